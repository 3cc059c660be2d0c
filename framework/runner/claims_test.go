package runner

import (
	"testing"

	"meshgate/framework/kube"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func serviceEntry(namespace, host string, exportTo ...any) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"kind": "ServiceEntry", "spec": map[string]any{"hosts": []any{host}}}}
	o.SetNamespace(namespace)
	o.SetName("entry")
	if len(exportTo) > 0 {
		o.Object["spec"].(map[string]any)["exportTo"] = exportTo
	}
	return o
}

func TestAHostThatSomebodyElseHasIsNotTaken(t *testing.T) {
	mine := []*unstructured.Unstructured{serviceEntry("ours", "a.test", ".")}
	for name, tc := range map[string]struct {
		other   *unstructured.Unstructured
		refused bool
	}{
		"for everybody":          {serviceEntry("theirs", "a.test"), true},
		"for everybody, by name": {serviceEntry("theirs", "a.test", "*"), true},
		"for us":                 {serviceEntry("theirs", "a.test", "ours"), true},
		"for themselves":         {serviceEntry("theirs", "a.test", "."), false},
		"for a third":            {serviceEntry("theirs", "a.test", "third"), false},
		"in our namespace":       {serviceEntry("ours", "a.test", "."), true},
		"another host":           {serviceEntry("theirs", "b.test"), false},
	} {
		err := claimed(mine, []*unstructured.Unstructured{tc.other})
		assert.Equal(t, tc.refused, err != nil, name)
		if err != nil {
			assert.ErrorContains(t, err, "host a.test", name)
			assert.ErrorContains(t, err, tc.other.GetNamespace()+"/entry, which meshgate did not create", name)
		}
	}
	own := serviceEntry("elsewhere", "a.test")
	own.SetLabels(map[string]string{kube.OwnerLabel: "s"})
	assert.NoError(t, claimed(mine, []*unstructured.Unstructured{own}))
}
