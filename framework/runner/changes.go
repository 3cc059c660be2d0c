package runner

import (
	"context"
	"slices"

	"meshgate/framework/kube"
	"meshgate/framework/mesh"
	"meshgate/framework/suite"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// change is a change of the mesh's configuration by a feature: the object is there in this
// form now, or it is deleted.
type change struct {
	object  *unstructured.Unstructured
	deleted bool
}

// record notes that an object was applied, or else deleted.
func (e *environment) record(o *unstructured.Unstructured, deleted bool) {
	if !mesh.Listed(o) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.changes = slices.DeleteFunc(e.changes, func(c change) bool { return kube.Name(c.object) == kube.Name(o) })
	e.changes = append(e.changes, change{o, deleted})
}

func (e *environment) AwaitProgrammed(ctx context.Context) error {
	e.mu.Lock()
	changes := slices.Clone(e.changes)
	e.mu.Unlock()
	if len(changes) == 0 {
		return nil
	}
	var w mesh.Wanted
	for _, c := range changes {
		if c.deleted {
			w.Deleted = append(w.Deleted, c.object)
		} else {
			w.Applied = append(w.Applied, c.object)
		}
	}
	if err := e.host.programmed(ctx, w); err != nil {
		return suite.Infrastructure(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.changes = slices.DeleteFunc(e.changes, func(c change) bool { return slices.Contains(changes, c) })
	return nil
}
