package manifest

import (
	"slices"
	"strings"

	extensions "istio.io/api/extensions/v1alpha1"
	networking "istio.io/api/networking/v1alpha3"
	networkingbeta "istio.io/api/networking/v1beta1"
	security "istio.io/api/security/v1beta1"
	telemetry "istio.io/api/telemetry/v1alpha1"

	"google.golang.org/protobuf/proto"
	admission "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	network "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	definitions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// kind is what is known of one kind of object. Its place in the table is its
// place in the order of application: what others refer to comes first.
type kind struct {
	apiVersions []string
	name        string
	cluster     bool                 // has no namespace
	typed       func() any           // the Go type of the whole object (Kubernetes)
	spec        func() proto.Message // or of its spec (Istio)
}

// kinds is the table of what a fixture may hold.
var kinds = slices.Concat(kubernetesKinds(), istioKinds())

func kubernetesKinds() []kind {
	return []kind{
		object[core.Namespace]("v1", "Namespace").clusterWide(),
		object[definitions.CustomResourceDefinition]("apiextensions.k8s.io/v1", "CustomResourceDefinition").clusterWide(),
		object[core.ServiceAccount]("v1", "ServiceAccount"),
		object[rbac.ClusterRole]("rbac.authorization.k8s.io/v1", "ClusterRole").clusterWide(),
		object[rbac.ClusterRoleBinding]("rbac.authorization.k8s.io/v1", "ClusterRoleBinding").clusterWide(),
		object[rbac.Role]("rbac.authorization.k8s.io/v1", "Role"),
		object[rbac.RoleBinding]("rbac.authorization.k8s.io/v1", "RoleBinding"),
		object[core.ConfigMap]("v1", "ConfigMap"),
		object[core.Secret]("v1", "Secret"),
		object[core.PersistentVolumeClaim]("v1", "PersistentVolumeClaim"),
		object[network.NetworkPolicy]("networking.k8s.io/v1", "NetworkPolicy"),
		object[core.Service]("v1", "Service"),
		object[core.Pod]("v1", "Pod"),
		object[apps.Deployment]("apps/v1", "Deployment"),
		object[apps.StatefulSet]("apps/v1", "StatefulSet"),
		object[apps.DaemonSet]("apps/v1", "DaemonSet"),
		object[batch.Job]("batch/v1", "Job"),
		object[batch.CronJob]("batch/v1", "CronJob"),
		object[policy.PodDisruptionBudget]("policy/v1", "PodDisruptionBudget"),
		object[network.Ingress]("networking.k8s.io/v1", "Ingress"),
		object[admission.MutatingAdmissionPolicy]("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy").clusterWide(),
		object[admission.MutatingAdmissionPolicyBinding]("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicyBinding").clusterWide(),
	}
}

// Gateways, services and subsets come before the routes that name them: a route
// to what is not there yet answers 503. How a host is spoken to comes before the host,
// which would be spoken to in the clear.
func istioKinds() []kind {
	networks := []string{"networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"}
	securities := []string{"security.istio.io/v1", "security.istio.io/v1beta1"}
	return []kind{
		custom(networks, "Gateway", func() proto.Message { return &networking.Gateway{} }),
		custom(networks, "WorkloadEntry", func() proto.Message { return &networking.WorkloadEntry{} }),
		custom(networks, "WorkloadGroup", func() proto.Message { return &networking.WorkloadGroup{} }),
		custom(networks, "DestinationRule", func() proto.Message { return &networking.DestinationRule{} }),
		custom(networks, "ServiceEntry", func() proto.Message { return &networking.ServiceEntry{} }),
		custom(networks, "Sidecar", func() proto.Message { return &networking.Sidecar{} }),
		custom(networks, "VirtualService", func() proto.Message { return &networking.VirtualService{} }),
		custom(networks[2:], "EnvoyFilter", func() proto.Message { return &networking.EnvoyFilter{} }),
		custom(networks[1:2], "ProxyConfig", func() proto.Message { return &networkingbeta.ProxyConfig{} }),
		custom(securities, "PeerAuthentication", func() proto.Message { return &security.PeerAuthentication{} }),
		custom(securities, "RequestAuthentication", func() proto.Message { return &security.RequestAuthentication{} }),
		custom(securities, "AuthorizationPolicy", func() proto.Message { return &security.AuthorizationPolicy{} }),
		custom([]string{"telemetry.istio.io/v1", "telemetry.istio.io/v1alpha1"}, "Telemetry", func() proto.Message { return &telemetry.Telemetry{} }),
		custom([]string{"extensions.istio.io/v1alpha1"}, "WasmPlugin", func() proto.Message { return &extensions.WasmPlugin{} }),
	}
}

func object[T any](apiVersion, name string) kind {
	return kind{apiVersions: []string{apiVersion}, name: name, typed: func() any { return new(T) }}
}

func custom(apiVersions []string, name string, spec func() proto.Message) kind {
	return kind{apiVersions: apiVersions, name: name, spec: spec}
}

func (k kind) clusterWide() kind {
	k.cluster = true
	return k
}

// lookup finds a kind and its place in the order of application.
func lookup(apiVersion, name string) (k kind, place int, ok bool) {
	for i, k := range kinds {
		if k.name == name && slices.Contains(k.apiVersions, apiVersion) {
			return k, i, true
		}
	}
	return kind{}, 0, false
}

// known lists every kind for an error message.
func known() string {
	var all []string
	for _, k := range kinds {
		all = append(all, k.name+" ("+strings.Join(k.apiVersions, ", ")+")")
	}
	return strings.Join(all, "; ")
}
