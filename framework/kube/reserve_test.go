package kube

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

var quick = leaseTiming{RetryPeriod: 20 * time.Millisecond, RenewDeadline: 80 * time.Millisecond, LeaseDuration: 2 * time.Second}

func TestReserveRefusesAHeldLeaseUntilItIsFreed(t *testing.T) {
	c := faked()
	r, err := c.reserve(t.Context(), quick, "shop", "suite")
	require.NoError(t, err)
	there, err := c.typed.CoordinationV1().Leases("shop").Get(t.Context(), "suite", metav1.GetOptions{})
	require.NoError(t, err)
	owner, ours := Ours(there)
	assert.True(t, ours)
	assert.Equal(t, reservations, owner)

	_, err = c.reserve(t.Context(), quick, "shop", "suite")
	require.ErrorIs(t, err, ErrReserved)
	assert.Regexp(t, `process \d+ on .* since .* \(Lease shop/suite\): wait until that process has ended`, err.Error())

	require.NoError(t, r.Free(t.Context()))
	_, err = c.typed.CoordinationV1().Leases("shop").Get(t.Context(), "suite", metav1.GetOptions{})
	assert.True(t, apierrors.IsNotFound(err), "left behind: %v", err)

	r, err = c.reserve(t.Context(), quick, "shop", "suite")
	require.NoError(t, err)
	require.NoError(t, r.Free(t.Context()))
}

func TestReserveTakesOverTheLeaseOfADeadProcess(t *testing.T) {
	dead, seconds, long := "process 1 on elsewhere", int32(2), metav1.NewMicroTime(time.Now().Add(-time.Hour))
	c := faked(&coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "suite", Labels: map[string]string{OwnerLabel: string(reservations)}},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &dead, LeaseDurationSeconds: &seconds, AcquireTime: &long, RenewTime: &long},
	})
	r, err := c.reserve(t.Context(), quick, "shop", "suite")
	require.NoError(t, err)
	require.NoError(t, r.Free(t.Context()))
}

func TestFreeDeletesALeaseWhoseReleaseFailed(t *testing.T) {
	c := faked()
	c.typed.(*fake.Clientset).PrependReactor("update", "leases", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if holder(a.(clienttesting.UpdateAction).GetObject().(*coordinationv1.Lease)) == "" {
			return true, nil, apierrors.NewConflict(coordinationv1.Resource("leases"), "suite", errors.New("renewed meanwhile"))
		}
		return false, nil, nil
	})
	r, err := c.reserve(t.Context(), quick, "shop", "suite")
	require.NoError(t, err)
	require.NoError(t, r.Free(t.Context()))
	_, err = c.typed.CoordinationV1().Leases("shop").Get(t.Context(), "suite", metav1.GetOptions{})
	assert.True(t, apierrors.IsNotFound(err), "left behind: %v", err)
}

func TestReserveRefusesAForeignLease(t *testing.T) {
	c := faked(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "suite"}})
	_, err := c.reserve(t.Context(), quick, "shop", "suite")
	require.ErrorIs(t, err, ErrForeign)
	assert.ErrorContains(t, err, "Lease shop/suite")
}
