package kube

import (
	"testing"
	"time"

	"meshgate/framework/wait"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var brief = leaseTiming{RetryPeriod: 20 * time.Millisecond, RenewDeadline: 80 * time.Millisecond, LeaseDuration: 150 * time.Millisecond}

// stopped is a Deployment of meshgate that is scaled to 0.
func stopped() *appsv1.Deployment {
	none := int32(0)
	d := deployment(appsv1.DeploymentStatus{})
	d.Labels, d.Spec.Replicas = map[string]string{OwnerLabel: "mesh"}, &none
	return d
}

func replicas(t *testing.T, c *Client, d *appsv1.Deployment) int32 {
	now, err := c.typed.AppsV1().Deployments(d.Namespace).Get(t.Context(), d.Name, metav1.GetOptions{})
	require.NoError(t, err)
	return *now.Spec.Replicas
}

func TestReviveLeavesARunningDeploymentAlone(t *testing.T) {
	d := stopped()
	*d.Spec.Replicas = 2
	c := faked(d)
	revived, err := c.revive(t.Context(), brief, soon, d.Namespace, d.Name)
	require.NoError(t, err)
	assert.False(t, revived)
	assert.EqualValues(t, 2, replicas(t, c, d))
}

func TestReviveStartsADeploymentWhoseStopperDied(t *testing.T) {
	d := stopped()
	dead, long := "process 1 on elsewhere", metav1.NewMicroTime(time.Now().Add(time.Hour)) // its clock is an hour ahead
	c := faked(d, &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: "suite", Labels: map[string]string{OwnerLabel: string(reservations)}},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &dead, RenewTime: &long},
	})
	began := time.Now()
	revived, err := c.revive(t.Context(), brief, wait.Deadline{Name: "revived", Within: 5 * time.Second}, d.Namespace, d.Name)
	require.NoError(t, err)
	assert.True(t, revived)
	assert.EqualValues(t, 1, replicas(t, c, d))
	assert.Greater(t, time.Since(began), brief.LeaseDuration, "the holder counts as dead only after LeaseDuration")
}

func TestReviveRefusesADeploymentInALiveReservation(t *testing.T) {
	d := stopped()
	c := faked(d)
	r, err := c.reserve(t.Context(), brief, d.Namespace, "suite")
	require.NoError(t, err)
	defer func() { assert.NoError(t, r.Free(t.Context())) }()
	revived, err := c.revive(t.Context(), brief, wait.Deadline{Name: "revived", Within: time.Second}, d.Namespace, d.Name)
	require.ErrorIs(t, err, ErrReserved)
	assert.ErrorContains(t, err, "deployment "+d.Namespace+"/"+d.Name+" is stopped")
	assert.False(t, revived)
	assert.EqualValues(t, 0, replicas(t, c, d))
}

func TestReviveRefusesAForeignDeployment(t *testing.T) {
	d := stopped()
	d.Labels = nil
	c := faked(d)
	_, err := c.revive(t.Context(), brief, soon, d.Namespace, d.Name)
	require.ErrorIs(t, err, ErrForeign)
	assert.EqualValues(t, 0, replicas(t, c, d))
}

func TestUnreservedRefusesWhileAReservationIsRenewed(t *testing.T) {
	c := faked()
	require.NoError(t, c.unreserved(t.Context(), brief))
	r, err := c.reserve(t.Context(), brief, "shop", "suite")
	require.NoError(t, err)
	err = c.unreserved(t.Context(), brief)
	require.ErrorIs(t, err, ErrReserved)
	assert.ErrorContains(t, err, "(Lease shop/suite)")
	r.ReleaseDirty()
	assert.NoError(t, c.unreserved(t.Context(), brief))
}
