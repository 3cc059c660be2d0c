package kube

import (
	"testing"
	"time"

	"meshgate/framework/wait"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var soon = wait.Deadline{Name: "scaled", Within: 300 * time.Millisecond}

func TestScaleRefusesAForeignDeployment(t *testing.T) {
	theirs := deployment(appsv1.DeploymentStatus{})
	c := faked(theirs)
	err := c.Scale(t.Context(), soon, theirs.Namespace, theirs.Name, 0)
	require.ErrorIs(t, err, ErrForeign)
	assert.ErrorContains(t, err, theirs.Namespace+"/"+theirs.Name)
	assert.Error(t, c.Scale(t.Context(), soon, theirs.Namespace, "nothing", 0))
}

func TestScaleToZeroWaitsUntilThePodsAreGone(t *testing.T) {
	ours := deployment(appsv1.DeploymentStatus{})
	ours.Labels = map[string]string{OwnerLabel: "mesh"}
	last := pod("last", func(p *corev1.Pod) { p.Labels = ours.Spec.Selector.MatchLabels })
	c := faked(ours, last)
	err := c.Scale(t.Context(), soon, ours.Namespace, ours.Name, 0)
	assert.ErrorContains(t, err, "pods of shop with \"app=api\": want none, got 1, first last")
	require.NoError(t, c.typed.CoreV1().Pods(last.Namespace).Delete(t.Context(), last.Name, metav1.DeleteOptions{}))
	assert.NoError(t, c.Scale(t.Context(), soon, ours.Namespace, ours.Name, 0))
}

func TestLoadBalancerGivesTheAddressOrSaysWhatIsMissing(t *testing.T) {
	service := func(kind corev1.ServiceType, ingress ...corev1.LoadBalancerIngress) *corev1.Service {
		s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db"}, Spec: corev1.ServiceSpec{Type: kind}}
		s.Status.LoadBalancer.Ingress = ingress
		return s
	}
	const lb = corev1.ServiceTypeLoadBalancer
	for want, s := range map[string]*corev1.Service{
		"192.0.2.1": service(lb, corev1.LoadBalancerIngress{IP: "192.0.2.1", Hostname: "db.test"}),
		"db.test":   service(lb, corev1.LoadBalancerIngress{Hostname: "db.test"}),
	} {
		got, err := faked(s).LoadBalancer(t.Context(), "shop", "db")
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := faked(service(lb)).LoadBalancer(t.Context(), "shop", "db")
	assert.EqualError(t, err, "service shop/db: the load balancer has assigned no address yet: does the cluster have a load balancer with a free address?")
	_, err = faked(service(corev1.ServiceTypeClusterIP)).LoadBalancer(t.Context(), "shop", "db")
	assert.EqualError(t, err, "service shop/db: type: want LoadBalancer, got ClusterIP")
	_, err = faked().LoadBalancer(t.Context(), "shop", "db")
	assert.ErrorContains(t, err, "service shop/db: ")
}
