package testbed

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DefectRecord is the ConfigMap, beside istiod, that lies in a mesh as long as it carries
// defects which meshgate has put there; its key "defects" names them.
const DefectRecord = "meshgate-defects"

// Sound refuses a mesh that still carries a defect of an interrupted run: no verdict on it
// could be trusted.
func (b *Bed) Sound(ctx context.Context) error {
	if b.Mesh.Taken {
		return nil // defects are put only into meshes of our own
	}
	r, err := b.Kube.Typed().CoreV1().ConfigMaps(b.Mesh.Namespace).Get(ctx, DefectRecord, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("does the mesh carry defects: %w", err)
	}
	return fmt.Errorf("the mesh carries defects that a run has put into it: %s: if that one was interrupted, `meshgate sabotage --mend` takes them out; `meshgate down` removes the mesh", r.Data["defects"])
}
