package detect

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// A StorageClass with this annotation serves claims that name none
// (kubernetes.io/docs/concepts/storage/storage-classes).
const defaultClass = "storageclass.kubernetes.io/is-default-class"

// noProvisioner is the provisioner of a class whose volumes are created by hand.
const noProvisioner = "kubernetes.io/no-provisioner"

// Storage is nil when a claim without class gets a volume; otherwise it says why the claim
// would stay pending.
func Storage(ctx context.Context, k kubernetes.Interface) error {
	list, err := k.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("storage classes: %w", err)
	}
	for _, c := range list.Items {
		if c.Annotations[defaultClass] != "true" {
			continue
		}
		return unless(c.Provisioner != noProvisioner, "the default StorageClass %s provisions nothing (%s)", c.Name, c.Provisioner)
	}
	return fmt.Errorf("none of the cluster's %d StorageClasses is the default one", len(list.Items))
}
