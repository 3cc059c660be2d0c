package runner

import (
	"testing"
	"time"

	"meshgate/framework/report"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestALogThatBeginsAfterTheFeatureAndNotWithItsContainerWasRotated(t *testing.T) {
	began := time.Date(2026, 11, 22, 4, 3, 40, 0, time.UTC)
	line := func(at time.Time) []byte { return []byte(at.Format(time.RFC3339Nano) + " [2026-11-22T04:03:49") }
	earlier, later := began.Add(-time.Minute), began.Add(time.Second)
	assert.True(t, lost(line(later), earlier, began))
	assert.False(t, lost(line(earlier), earlier, began), "its beginning is there")
	assert.False(t, lost(line(later), later, began), "the container began later, too")
	assert.False(t, lost(nil, earlier, began), "nothing was written")
}

func TestOnlyWhatIsNotInALogCanHaveBeenLostWithIt(t *testing.T) {
	of := func(field string) report.Step {
		return report.Step{Failure: &report.Failure{Mismatches: []report.Mismatch{{Field: field}}}}
	}
	e := &environment{logs: map[string]corev1.Pod{"a/b/c": {}}}
	require.NoError(t, e.rotated(t.Context(), of("status")))
	require.NoError(t, e.rotated(t.Context(), report.Step{}))
	assert.Panics(t, func() { _ = e.rotated(t.Context(), of("control plane log")) }, "the log is asked for, and there is no cluster")
}

func TestTheStartOfAContainer(t *testing.T) {
	at := metav1.NewTime(time.Unix(7, 0))
	p := corev1.Pod{Status: corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{
		{Name: "istio-proxy", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}}}}}}
	assert.Equal(t, at.Time, startOf(p, "istio-proxy"))
	assert.Zero(t, startOf(p, "app"))
}
