package manifest

import "strings"

// form is how a text refers to something.
type form int

const (
	objectName form = iota // the name of an object in the same namespace
	gatewayRef             // "namespace/name", or a name alone
	scopedHost             // "namespace/host", or a host alone
	hostName               // "name", "name.namespace", "name.namespace.svc…", or one outside
	hostsIn                // a text, such as a URL, with such hosts in it
	namespace              // a namespace alone
	principal              // "cluster.local/ns/namespace/sa/name"
)

// reference is a place at which objects of a kind refer to something. In a place,
// "*" is any one step and "**" any number of them.
type reference struct {
	kind  string // empty for every kind
	place []string
	form  form
}

// references is the table of all places that Namespaces, Hosts and Rename know.
var references = []reference{
	at("Gateway", "spec servers * hosts *", scopedHost),
	at("Gateway", "spec servers * tls credentialName", objectName),

	at("VirtualService", "spec gateways *", gatewayRef),
	at("VirtualService", "spec * * match * gateways *", gatewayRef),
	at("VirtualService", "spec hosts *", hostName),
	at("VirtualService", "spec ** destination host", hostName),
	at("VirtualService", "spec ** mirror host", hostName),
	at("VirtualService", "spec tls * match * sniHosts *", hostName),
	at("VirtualService", "spec http * match * authority *", hostName),
	at("VirtualService", "spec http * redirect authority", hostName),
	at("VirtualService", "spec http * rewrite authority", hostName),
	at("VirtualService", "spec http * delegate name", objectName),
	at("VirtualService", "spec http * delegate namespace", namespace),

	at("DestinationRule", "spec host", hostName),
	at("DestinationRule", "spec ** tls sni", hostName),
	at("DestinationRule", "spec ** tls subjectAltNames *", hostName),
	at("DestinationRule", "spec ** tls credentialName", objectName),

	at("ServiceEntry", "spec hosts *", hostName),
	at("ServiceEntry", "spec endpoints * address", hostName),
	at("Sidecar", "spec egress * hosts *", scopedHost),
	at("", "spec exportTo *", namespace),

	at("AuthorizationPolicy", "spec rules * from * source namespaces *", namespace),
	at("AuthorizationPolicy", "spec rules * from * source principals *", principal),
	at("AuthorizationPolicy", "spec rules * to * operation hosts *", hostName),

	at("NetworkPolicy", "spec ** namespaceSelector matchLabels kubernetes.io/metadata.name", namespace),
	at("RoleBinding", "subjects * namespace", namespace),
	at("RoleBinding", "subjects * name", objectName),
	at("RoleBinding", "roleRef name", objectName),
	at("ClusterRoleBinding", "subjects * namespace", namespace),
	at("ClusterRoleBinding", "subjects * name", objectName),
	at("ClusterRoleBinding", "roleRef name", objectName),
	at("Service", "spec externalName", hostName),
	at("ConfigMap", "data *", hostsIn),

	at("", "spec ** env * value", hostsIn),
	at("", "spec ** args *", hostsIn),
	at("", "spec ** command *", hostsIn),
	at("", "spec ** serviceAccountName", objectName),
	at("", "spec ** volumes * secret secretName", objectName),
	at("", "spec ** volumes * configMap name", objectName),
	at("", "spec ** envFrom * secretRef name", objectName),
	at("", "spec ** envFrom * configMapRef name", objectName),
	at("", "spec ** valueFrom secretKeyRef name", objectName),
	at("", "spec ** valueFrom configMapKeyRef name", objectName),
}

func at(kind, place string, f form) reference { return reference{kind, strings.Fields(place), f} }
