package evidence

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// events collects the events of each namespace, oldest first, one line each.
func (s capture) events() []task {
	var out []task
	for _, ns := range s.namespaces {
		out = append(out, task{"events/" + ns, func(ctx context.Context) error {
			list, err := s.Kube.Typed().CoreV1().Events(ns).List(ctx, metav1.ListOptions{})
			if err != nil {
				return err
			}
			return s.folder.text("events/"+ns+".txt", eventLines(list.Items))
		}})
	}
	return out
}

func eventLines(events []corev1.Event) []byte {
	slices.SortStableFunc(events, func(a, b corev1.Event) int { return eventTime(a).Compare(eventTime(b)) })
	var b bytes.Buffer
	for _, e := range events {
		fmt.Fprintf(&b, "%s %-7s %-20s %s/%s: %s", eventTime(e).UTC().Format(time.RFC3339), e.Type, e.Reason,
			e.InvolvedObject.Kind, e.InvolvedObject.Name, bytes.ReplaceAll([]byte(e.Message), []byte("\n"), []byte(" ")))
		if n := eventCount(e); n > 1 {
			fmt.Fprintf(&b, " (%d times)", n)
		}
		b.WriteByte('\n')
	}
	if len(events) == 0 {
		b.WriteString("no events\n")
	}
	return b.Bytes()
}

// eventTime is the time at which the event was last seen; the field depends on the component
// that wrote it.
func eventTime(e corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	default:
		return e.CreationTimestamp.Time
	}
}

func eventCount(e corev1.Event) int32 {
	if e.Series != nil {
		return e.Series.Count
	}
	return e.Count
}
