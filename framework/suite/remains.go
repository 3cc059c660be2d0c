package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"meshgate/framework/kube"
	"meshgate/framework/progress"
	"meshgate/framework/report"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// clear removes what an earlier run of the suite left that was killed.
func (s *suiteRun) clear(ctx context.Context, phase progress.Phase) error {
	if !s.reserved.TakenOver {
		return nil
	}
	phase.Waiting("what an earlier run of it has left to be gone")
	ctx, stop := context.WithTimeout(ctx, s.bed.Config.Budget.Deletion)
	defer stop()
	left, err := s.owned(ctx)
	if err == nil && len(left) > 0 {
		phase.Note("an earlier run was cut short; what it left is removed: %d, the first %s", len(left), kube.Name(left[0]))
		err = s.bed.Kube.Delete(ctx, left...)
	}
	if err != nil {
		return fmt.Errorf("remove what an earlier run, which was cut short, has left: %w", err)
	}
	return nil
}

// errSwept is of what a feature had failed to remove and the suite has removed in its place.
var errSwept = errors.New("removed at last")

// leave removes what the features shared, and what is left of them.
func (s *suiteRun) leave(ctx context.Context) error {
	if s.shared == nil || s.left {
		return nil
	}
	s.left = true
	err := s.shared.clean(ctx)
	if err == nil {
		err = s.sweep(ctx)
	}
	if err == nil || errors.Is(err, errSwept) {
		err = errors.Join(err, s.reserved.Free(context.WithoutCancel(ctx)))
	} else {
		s.reserved.ReleaseDirty()
		s.remains = s.suite.Name + " left something on the cluster, which its next run removes: " + err.Error()
	}
	if err != nil {
		if s.result.Error != "" {
			err = errors.Join(errors.New(s.result.Error), err)
		}
		s.result.Error = err.Error()
	}
	s.result.Took = report.Seconds(time.Since(s.result.Started))
	return err
}

// sweep looks for what should be gone, and removes it; that it was there is an error.
func (s *suiteRun) sweep(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), s.bed.Config.Budget.Deletion)
	defer stop()
	left, err := s.owned(ctx)
	if err != nil || len(left) == 0 {
		return err
	}
	var names []string
	for _, o := range left {
		names = append(names, kube.Name(o))
	}
	if err := s.bed.Kube.Delete(ctx, left...); err != nil {
		return fmt.Errorf("left behind: %v: %w", names, err)
	}
	return fmt.Errorf("left behind, and %w: %v", errSwept, names)
}

// owned lists the objects that carry an owner label of this suite.
func (s *suiteRun) owned(ctx context.Context) ([]*unstructured.Unstructured, error) {
	owners := []kube.Owner{s.shared.owner}
	for _, f := range s.suite.Features {
		owners = append(owners, s.shared.owner+kube.Owner("-"+f.Name))
	}
	all, err := s.bed.Kube.Owned(ctx, "")
	return slices.DeleteFunc(all, func(o *unstructured.Unstructured) bool {
		owner, _ := kube.Ours(o)
		return !slices.Contains(owners, owner)
	}), err
}
