package kubetest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/version"
)

// Kind is a kind that the server knows.
type Kind struct {
	Group, Version, Kind, Resource string
	Cluster                        bool // has no namespace
}

// Builtin are the kinds that every server knows.
func Builtin() []Kind {
	return []Kind{
		{Version: "v1", Kind: "Namespace", Resource: "namespaces", Cluster: true},
		{Version: "v1", Kind: "Node", Resource: "nodes", Cluster: true},
		{Version: "v1", Kind: "ConfigMap", Resource: "configmaps"},
		{Version: "v1", Kind: "Secret", Resource: "secrets"},
		{Version: "v1", Kind: "Service", Resource: "services"},
		{Version: "v1", Kind: "Pod", Resource: "pods"},
		{Version: "v1", Kind: "Event", Resource: "events"},
		{Group: "apps", Version: "v1", Kind: "Deployment", Resource: "deployments"},
		{Group: "coordination.k8s.io", Version: "v1", Kind: "Lease", Resource: "leases"},
	}
}

// VirtualServices is Istio's kind VirtualService, for Learn and New.
func VirtualServices() Kind {
	return Kind{Group: "networking.istio.io", Version: "v1", Kind: "VirtualService", Resource: "virtualservices"}
}

func (k Kind) groupVersion() string {
	if k.Group == "" {
		return k.Version
	}
	return k.Group + "/" + k.Version
}

func (k Kind) root() string {
	if k.Group == "" {
		return "/api/" + k.Version
	}
	return "/apis/" + k.groupVersion()
}

func (k Kind) path(namespace, name string) string {
	if k.Cluster {
		return k.root() + "/" + k.Resource + "/" + name
	}
	return k.root() + "/namespaces/" + namespace + "/" + k.Resource + "/" + name
}

func (s *Server) pathOf(o *unstructured.Unstructured) (string, error) {
	for _, k := range s.kinds {
		if k.groupVersion() == o.GetAPIVersion() && k.Kind == o.GetKind() {
			return k.path(o.GetNamespace(), o.GetName()), nil
		}
	}
	return "", fmt.Errorf("%s %s: the server does not know this kind", o.GetAPIVersion(), o.GetKind())
}

// place is the resource that a path below a group and version names.
type place struct {
	kind                         Kind
	namespace, name, subresource string
}

func (s *Server) parse(path string) (place, bool) {
	for _, k := range s.kinds {
		rest, ok := strings.CutPrefix(path, k.root()+"/")
		if !ok {
			continue
		}
		p, parts := place{kind: k}, strings.Split(rest, "/")
		if !k.Cluster && parts[0] == "namespaces" && len(parts) >= 3 {
			p.namespace, parts = parts[1], parts[2:]
		}
		if parts[0] != k.Resource || k.Cluster && len(parts) > 2 {
			continue
		}
		if len(parts) > 1 {
			p.name = parts[1]
		}
		if len(parts) > 2 {
			p.subresource = parts[2]
		}
		return p, true
	}
	return place{}, false
}

func (s *Server) kindOfPath(path string) (Kind, bool) {
	p, ok := s.parse(path)
	return p.kind, ok
}

// discovery answers requests for the server's version and its kinds.
func (s *Server) discovery(w http.ResponseWriter, path string) bool {
	switch path {
	case "/version":
		write(w, http.StatusOK, version.Info{Major: "1", Minor: "36", GitVersion: Version})
	case "/api":
		write(w, http.StatusOK, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}})
	case "/apis":
		write(w, http.StatusOK, s.groups())
	default:
		list := s.resources(path)
		if len(list.APIResources) == 0 {
			return false
		}
		write(w, http.StatusOK, list)
	}
	return true
}

func (s *Server) groups() metav1.APIGroupList {
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	for _, k := range s.kinds {
		if k.Group == "" || slices.ContainsFunc(list.Groups, func(g metav1.APIGroup) bool { return g.Name == k.Group }) {
			continue
		}
		gv := metav1.GroupVersionForDiscovery{GroupVersion: k.groupVersion(), Version: k.Version}
		list.Groups = append(list.Groups, metav1.APIGroup{Name: k.Group, Versions: []metav1.GroupVersionForDiscovery{gv}, PreferredVersion: gv})
	}
	return list
}

func (s *Server) resources(root string) metav1.APIResourceList {
	list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}}
	for _, k := range s.kinds {
		if k.root() == root {
			list.GroupVersion = k.groupVersion()
			list.APIResources = append(list.APIResources, metav1.APIResource{Name: k.Resource, Kind: k.Kind, Namespaced: !k.Cluster,
				Verbs: metav1.Verbs{"get", "list", "patch", "delete"}})
		}
	}
	return list
}
