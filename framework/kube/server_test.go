package kube

import (
	"testing"

	"meshgate/framework/kube/kubetest"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// served returns a client of a server in memory that has the namespace "shop".
func served(t *testing.T, kinds ...kubetest.Kind) (*Client, *kubetest.Server) {
	t.Helper()
	s := kubetest.New(kinds...)
	t.Cleanup(s.Close)
	require.NoError(t, s.Put(newObject("v1", "Namespace", "", "shop")))
	c, err := FromREST(s.REST())
	require.NoError(t, err)
	return c, s
}

func newObject(apiVersion, kind, namespace, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind}}
	o.SetName(name)
	if namespace != "" {
		o.SetNamespace(namespace)
	}
	return o
}

func configMap(name, value string) *unstructured.Unstructured {
	o := newObject("v1", "ConfigMap", "shop", name)
	o.Object["data"] = map[string]any{"key": value}
	return o
}

func owned(o *unstructured.Unstructured, owner string) *unstructured.Unstructured {
	o.SetLabels(map[string]string{OwnerLabel: owner})
	return o
}
