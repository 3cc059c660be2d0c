package manifest

import (
	"encoding/base64"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Namespace makes a namespace with labels.
func Namespace(name string, labels map[string]string) *unstructured.Unstructured {
	o := newObject("Namespace", "", name)
	o.SetLabels(labels)
	return o
}

// TLSSecret makes a secret of type kubernetes.io/tls, which is what a Gateway's
// credentialName refers to. It must be in the namespace of the gateway's pods.
func TLSSecret(namespace, name string, certPEM, keyPEM []byte) *unstructured.Unstructured {
	return typedSecret(namespace, name, "kubernetes.io/tls", map[string][]byte{"tls.crt": certPEM, "tls.key": keyPEM})
}

// Secret makes a secret of arbitrary content, such as a CA for an egress gateway.
func Secret(namespace, name string, data map[string][]byte) *unstructured.Unstructured {
	return typedSecret(namespace, name, "Opaque", data)
}

// ConfigMap makes one from texts.
func ConfigMap(namespace, name string, data map[string]string) *unstructured.Unstructured {
	o := newObject("ConfigMap", namespace, name)
	texts := map[string]any{}
	for key, value := range data {
		texts[key] = value
	}
	o.Object["data"] = texts
	return o
}

func typedSecret(namespace, name, kind string, data map[string][]byte) *unstructured.Unstructured {
	o := newObject("Secret", namespace, name)
	encoded := map[string]any{}
	for key, value := range data {
		encoded[key] = base64.StdEncoding.EncodeToString(value)
	}
	o.Object["type"], o.Object["data"] = kind, encoded
	return o
}

func newObject(kind, namespace, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": kind}}
	o.SetName(name)
	if namespace != "" {
		o.SetNamespace(namespace)
	}
	return o
}
