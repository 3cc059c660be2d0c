package testbed

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DefectRecord is a ConfigMap next to istiod. It exists while the mesh has defects that
// meshgate has injected; its key "defects" names them.
const DefectRecord = "meshgate-defects"

// Sound refuses a mesh that still has a defect of an interrupted run, because no verdict on
// it would be reliable.
func (b *Bed) Sound(ctx context.Context) error {
	if b.Mesh.Taken {
		return nil // defects are injected only into meshes that meshgate has installed
	}
	r, err := b.Kube.Typed().CoreV1().ConfigMaps(b.Mesh.Namespace).Get(ctx, DefectRecord, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("check whether the mesh has injected defects: %w", err)
	}
	return fmt.Errorf("the mesh has defects that a run has injected: %s: if that run was interrupted, revert them with `meshgate sabotage --revert`, or remove the mesh with `meshgate down`", r.Data["defects"])
}
