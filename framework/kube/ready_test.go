package kube

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	"meshgate/framework/wait"
)

func faked(objs ...runtime.Object) *Client { return &Client{typed: fake.NewClientset(objs...)} }

func pod(name string, change func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{"app": "api"}},
		Status: corev1.PodStatus{Phase: corev1.PodPending}}
	if change != nil {
		change(p)
	}
	return p
}

func deployment(status appsv1.DeploymentStatus) *appsv1.Deployment {
	replicas := int32(2)
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "api", Generation: 3},
		Spec:   appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "api"}}},
		Status: status}
}

func TestPodsExcludesTerminatingPods(t *testing.T) {
	leaving := pod("leaving", func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{}; p.Finalizers = []string{"x"} })
	other := pod("other", func(p *corev1.Pod) { p.Labels = nil })
	pods, err := faked(pod("one", nil), leaving, other).Pods(t.Context(), "shop", "app=api")
	require.NoError(t, err)
	require.Len(t, pods, 1)
	assert.Equal(t, "one", pods[0].Name)
}

func TestDeploymentReadyWhenEveryReplicaIsUpdatedAndAvailable(t *testing.T) {
	done := appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}
	require.NoError(t, faked(deployment(done)).DeploymentReady(t.Context(), "shop", "api"))
	for name, change := range map[string]func(*appsv1.DeploymentStatus){
		"the controller observed an older template": func(s *appsv1.DeploymentStatus) { s.ObservedGeneration = 2 },
		"one replica is old":                        func(s *appsv1.DeploymentStatus) { s.UpdatedReplicas = 1 },
		"one replica is not available":              func(s *appsv1.DeploymentStatus) { s.AvailableReplicas = 1 },
		"an old replica still exists":               func(s *appsv1.DeploymentStatus) { s.Replicas = 3 },
	} {
		status := done
		change(&status)
		assert.Error(t, faked(deployment(status)).DeploymentReady(t.Context(), "shop", "api"), name)
	}
}

func TestAwaitDeploymentChecksWhenTheDeploymentChanges(t *testing.T) {
	done := appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}
	c := faked(deployment(appsv1.DeploymentStatus{}))
	var told []error
	change := sync.OnceFunc(func() {
		_, err := c.typed.AppsV1().Deployments("shop").Update(t.Context(), deployment(done), metav1.UpdateOptions{})
		assert.NoError(t, err)
	})
	began := time.Now()
	require.NoError(t, c.AwaitDeployment(t.Context(), wait.Deadline{Name: "api ready", Within: time.Minute}, "shop", "api", func(err error) {
		told = append(told, err)
		change()
	}))
	assert.Less(t, time.Since(began), recheckEvery, "the watch and not the timer woke it")
	require.Len(t, told, 2)
	require.Error(t, told[0])
	require.NoError(t, told[1])
}

func TestAwaitDeploymentErrorSaysWhyPodsAreNotReady(t *testing.T) {
	c := faked(deployment(appsv1.DeploymentStatus{ObservedGeneration: 3}), pod("api-1", nil))
	err := c.AwaitDeployment(t.Context(), wait.Deadline{Name: "api ready", Within: 300 * time.Millisecond}, "shop", "api", nil)
	require.ErrorIs(t, err, wait.ErrExpired)
	assert.ErrorContains(t, err, "want 2, got 0: pod api-1: Pending")
}

func TestDeploymentReadyErrorSaysWhyPodsAreNotReady(t *testing.T) {
	status := appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 1}
	pulling := pod("api-1", func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", State: corev1.ContainerState{
			Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}}}}
	})
	ready := pod("api-2", func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	})
	err := faked(deployment(status), pulling, ready).DeploymentReady(t.Context(), "shop", "api")
	assert.EqualError(t, err, "deployment shop/api: replicas ready: want 2, got 1: pod api-1, container app: ImagePullBackOff no such image")
}

func TestDeploymentReadyErrorSaysWhyThereAreNoPods(t *testing.T) {
	status := appsv1.DeploymentStatus{Conditions: []appsv1.DeploymentCondition{
		{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: "exceeded quota: pods"},
		{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Message: "not of interest"},
	}}
	err := faked(deployment(status)).DeploymentReady(t.Context(), "shop", "api")
	assert.EqualError(t, err, "deployment shop/api: replicas ready: want 2, got 0: exceeded quota: pods")
	assert.EqualError(t, faked().DeploymentReady(t.Context(), "shop", "api"), `deployment shop/api: deployments.apps "api" not found`)
}

func TestReadyReadsThePodsCondition(t *testing.T) {
	with := func(status corev1.ConditionStatus) corev1.Pod {
		return *pod("p", func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{
				{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Unix(1, 0)},
				{Type: corev1.PodReady, Status: status, LastTransitionTime: metav1.Unix(2, 0)},
			}
		})
	}
	since, ready := Ready(with(corev1.ConditionTrue))
	assert.Equal(t, time.Unix(2, 0), since)
	assert.True(t, ready)
	since, ready = Ready(with(corev1.ConditionFalse))
	assert.Zero(t, since)
	assert.False(t, ready)
}

func TestNotReadyGivesTheReason(t *testing.T) {
	container := func(s corev1.ContainerState) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", State: s}}
		}
	}
	condition := func(kind corev1.PodConditionType, status corev1.ConditionStatus, message string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: kind, Status: status, Message: message}}
		}
	}
	for want, change := range map[string]func(*corev1.Pod){
		"":                                   condition(corev1.PodReady, corev1.ConditionTrue, ""),
		"pod p not scheduled: 1 node, 0 fit": condition(corev1.PodScheduled, corev1.ConditionFalse, "1 node, 0 fit"),
		"pod p: Pending":                     func(*corev1.Pod) {},
		"pod p, container app: CrashLoopBackOff back-off 10s": container(corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 10s"}}),
		"pod p, container app: exited with 137 OOMKilled":     container(corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}}),
		"pod p, container app: running, not ready":            container(corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}),
		"pod p, container init: ErrImagePull": func(p *corev1.Pod) {
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "init", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull"}}}}
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}}}
		},
	} {
		assert.Equal(t, want, NotReady(*pod("p", change)))
	}
}
