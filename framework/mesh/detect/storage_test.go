package detect_test

import (
	"testing"

	"meshgate/framework/mesh/detect"

	"github.com/stretchr/testify/assert"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func class(name, provisioner string, isDefault bool) *storagev1.StorageClass {
	c := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: provisioner}
	if isDefault {
		c.Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
	}
	return c
}

func TestStorageRequiresADefaultClassWithProvisioner(t *testing.T) {
	assert.NoError(t, detect.Storage(t.Context(), fake.NewClientset(class("slow", "a", false), class("fast", "kubernetes.io/host-path", true))))
	assert.EqualError(t, detect.Storage(t.Context(), fake.NewClientset(class("fast", "a", false))), "none of the cluster's 1 StorageClasses is the default one")
	assert.EqualError(t, detect.Storage(t.Context(), fake.NewClientset(class("hand", "kubernetes.io/no-provisioner", true))),
		"the default StorageClass hand provisions nothing (kubernetes.io/no-provisioner)")
}
