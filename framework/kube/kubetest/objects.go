package kubetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// object answers requests for objects.
func (s *Server) object(w http.ResponseWriter, r *http.Request) {
	p, ok := s.parse(r.URL.Path)
	if !ok {
		Refuse(w, apierrors.NewGenericServerResponse(http.StatusNotFound, r.Method, schema.GroupResource{}, "", "the server could not find the requested resource", 0, true))
		return
	}
	switch {
	case p.subresource == "log":
		s.log(w, r, p)
	case r.Method == http.MethodGet && p.name == "":
		s.list(w, r, p)
	case r.Method == http.MethodPatch:
		s.apply(w, r, p)
	case r.Method == http.MethodPost:
		s.put(w, r, p)
	case s.objects[r.URL.Path] == nil:
		Refuse(w, apierrors.NewNotFound(schema.GroupResource{Group: p.kind.Group, Resource: p.kind.Resource}, p.name))
	case r.Method == http.MethodGet:
		write(w, http.StatusOK, s.objects[r.URL.Path].Object)
	case r.Method == http.MethodPut:
		s.put(w, r, p)
	case r.Method == http.MethodDelete:
		s.delete(w, r.URL.Path)
	default:
		Refuse(w, apierrors.NewMethodNotSupported(schema.GroupResource{Resource: p.kind.Resource}, r.Method))
	}
}

func (s *Server) apply(w http.ResponseWriter, r *http.Request, p place) {
	o := &unstructured.Unstructured{}
	if err := json.NewDecoder(r.Body).Decode(&o.Object); err != nil {
		Refuse(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	if got := r.Header.Get("Content-Type"); got != string(types.ApplyPatchType) {
		Refuse(w, apierrors.NewBadRequest("the server takes apply patches only, got "+got))
		return
	}
	home := Kind{Version: "v1", Resource: "namespaces", Cluster: true}.path("", p.namespace)
	if p.namespace != "" && s.objects[home] == nil {
		Refuse(w, apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, p.namespace))
		return
	}
	s.store(r.URL.Path, o)
	write(w, http.StatusOK, s.objects[r.URL.Path].Object)
}

// put creates or replaces a whole object, unless the stored one is newer.
func (s *Server) put(w http.ResponseWriter, r *http.Request, p place) {
	o := &unstructured.Unstructured{}
	if err := json.NewDecoder(r.Body).Decode(&o.Object); err != nil {
		Refuse(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	path := p.kind.path(p.namespace, o.GetName())
	resource := schema.GroupResource{Group: p.kind.Group, Resource: p.kind.Resource}
	switch there := s.objects[path]; {
	case there != nil && r.Method == http.MethodPost:
		Refuse(w, apierrors.NewAlreadyExists(resource, o.GetName()))
		return
	case there != nil && o.GetResourceVersion() != there.GetResourceVersion():
		Refuse(w, apierrors.NewConflict(resource, o.GetName(), errors.New("the stored object is newer")))
		return
	}
	s.store(path, o)
	write(w, http.StatusOK, s.objects[path].Object)
}

// store sets the fields that a server sets, such as a UID that survives changes.
func (s *Server) store(path string, o *unstructured.Unstructured) {
	s.serial++
	o.SetResourceVersion(strconv.Itoa(s.serial))
	if old := s.objects[path]; old != nil {
		o.SetUID(old.GetUID())
		o.SetGeneration(old.GetGeneration() + 1)
	} else {
		o.SetUID(types.UID(fmt.Sprintf("uid-%d", s.serial)))
		o.SetGeneration(1)
		s.order = append(s.order, path)
	}
	s.objects[path] = o
}

func (s *Server) drop(path string) {
	delete(s.objects, path)
	s.order = slices.DeleteFunc(s.order, func(p string) bool { return p == path })
}

// delete removes an object, and with a namespace all objects in it; an object with
// finalizers stays until Remove.
func (s *Server) delete(w http.ResponseWriter, path string) {
	o := s.objects[path]
	if len(o.GetFinalizers()) > 0 {
		now := metav1.NewTime(time.Now())
		o.SetDeletionTimestamp(&now)
		write(w, http.StatusOK, o.Object)
		return
	}
	s.drop(path)
	if o.GetKind() == "Namespace" {
		for _, inside := range slices.Clone(s.order) {
			if s.objects[inside].GetNamespace() == o.GetName() {
				s.drop(inside)
			}
		}
	}
	write(w, http.StatusOK, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess})
}

// list answers with whole objects, or with their metadata if the client asked for that.
func (s *Server) list(w http.ResponseWriter, r *http.Request, p place) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		Refuse(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	list := map[string]any{"apiVersion": p.kind.groupVersion(), "kind": p.kind.Kind + "List", "metadata": map[string]any{}}
	partial := strings.Contains(r.Header.Get("Accept"), "PartialObjectMetadataList")
	if partial {
		list["apiVersion"], list["kind"] = "meta.k8s.io/v1", "PartialObjectMetadataList"
	}
	items := []any{}
	for _, path := range s.order {
		o := s.objects[path]
		at, ok := s.parse(path)
		if !ok || at.kind != p.kind || p.namespace != "" && at.namespace != p.namespace || !selector.Matches(labels.Set(o.GetLabels())) {
			continue
		}
		item := o.Object
		if partial {
			item = map[string]any{"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": o.Object["metadata"]}
		}
		items = append(items, item)
	}
	list["items"] = items
	write(w, http.StatusOK, list)
}

func (s *Server) log(w http.ResponseWriter, r *http.Request, p place) {
	text, ok := s.logs[p.namespace+"/"+p.name+"/"+r.URL.Query().Get("container")]
	if !ok {
		Refuse(w, apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, p.name))
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	lines := strings.SplitAfter(text, "\n")
	if n, err := strconv.Atoi(r.URL.Query().Get("tailLines")); err == nil && n < len(lines)-1 {
		lines = lines[len(lines)-1-n:] // the text after the last line feed is no line
	}
	fmt.Fprint(w, strings.Join(lines, ""))
}

// Refuse answers with an error in the form of an API server, for use in Intercept.
func Refuse(w http.ResponseWriter, err *apierrors.StatusError) {
	status := err.Status()
	status.Kind, status.APIVersion = "Status", "v1"
	write(w, int(status.Code), status)
}

func write(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client sees a body that is cut short
}
