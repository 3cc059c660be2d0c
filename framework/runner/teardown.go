package runner

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

// deleteStale deletes the objects that an earlier run of the suite left because it was killed.
func (s *suiteRun) deleteStale(ctx context.Context, phase progress.Phase) error {
	if !s.reserved.TakenOver {
		return nil
	}
	phase.Waiting("the objects of an earlier run of the suite to be gone")
	ctx, stop := context.WithTimeout(ctx, s.bed.Config.Budget.Deletion)
	defer stop()
	left, err := s.owned(ctx)
	if err == nil && len(left) > 0 {
		phase.Note("an earlier run was killed; the objects that it left are deleted: %d, the first is %s", len(left), kube.Name(left[0]))
		err = s.bed.Kube.Delete(ctx, left...)
	}
	if err != nil {
		return fmt.Errorf("delete the objects that an earlier run, which was killed, has left: %w", err)
	}
	return nil
}

// errLeaked is wrapped where a feature had failed to delete an object and its suite has
// deleted it instead.
var errLeaked = errors.New("deleted by the suite")

// tearDown deletes what the features shared, and what they have left.
func (s *suiteRun) tearDown(ctx context.Context) error {
	if s.shared == nil || s.tornDown {
		return nil
	}
	s.tornDown = true
	err := s.shared.clean(ctx)
	if err == nil {
		err = s.deleteLeaked(ctx)
	}
	if err == nil || errors.Is(err, errLeaked) {
		err = errors.Join(err, s.reserved.Free(context.WithoutCancel(ctx)))
	} else {
		s.reserved.ReleaseDirty()
		s.leaked = s.suite.Name + " left objects on the cluster, which its next run deletes: " + err.Error()
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

// deleteLeaked looks for objects that should be gone, and deletes them; that there were some
// is an error.
func (s *suiteRun) deleteLeaked(ctx context.Context) error {
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
	return fmt.Errorf("left behind, and %w: %v", errLeaked, names)
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
