package runner

import (
	"context"
	"maps"
	"slices"

	"meshgate/framework/kube"
	"meshgate/framework/mesh"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// awaitDeleted waits, if any of these objects was deleted by a feature before, until that
// has reached the proxies. An object that is made again at once would find its counters
// there, and a feature that lacks it would pass by what the feature before has left.
func (s *suiteRun) awaitDeleted(ctx context.Context, objs []*unstructured.Unstructured) error {
	again, unseen, since := s.deletedOf(objs)
	if len(again) == 0 {
		return nil
	}
	if len(unseen) > 0 {
		var err error
		if since, err = s.known(ctx, mesh.Wanted{Deleted: unseen}); err != nil {
			return err
		}
	}
	if err := s.pushed(ctx, since); err != nil {
		return err
	}
	s.deletions.Lock()
	defer s.deletions.Unlock()
	for _, o := range again {
		delete(s.deleted, kube.Name(o))
	}
	maps.DeleteFunc(s.deleted, func(_ string, mark *mesh.Mark) bool { return mark != nil && !mark.After(since) })
	return nil
}

// deletedOf splits objs into those that this suite deleted and those of them whose deletion
// istiod has not been seen to process, and gives the time of the last deletion it was seen
// to process.
func (s *suiteRun) deletedOf(objs []*unstructured.Unstructured) (again, unseen []*unstructured.Unstructured, since mesh.Mark) {
	s.deletions.Lock()
	defer s.deletions.Unlock()
	for _, o := range objs {
		mark, there := s.deleted[kube.Name(o)]
		switch {
		case !there:
			continue
		case mark == nil:
			unseen = append(unseen, o)
		case mark.After(since):
			since = *mark
		}
		again = append(again, o)
	}
	return again, unseen, since
}

// noteDeleted notes what a feature has deleted, if another round may make it again.
func (s *suiteRun) noteDeleted(ctx context.Context, objs []*unstructured.Unstructured) error {
	objs = slices.DeleteFunc(slices.Clone(objs), func(o *unstructured.Unstructured) bool {
		return !mesh.Listed(o)
	})
	if s.ending || len(objs) == 0 || ctx.Err() != nil {
		return nil
	}
	mark, err := s.known(ctx, mesh.Wanted{Deleted: objs})
	s.deletions.Lock()
	defer s.deletions.Unlock()
	for _, o := range objs {
		s.deleted[kube.Name(o)] = nil
		if err == nil {
			s.deleted[kube.Name(o)] = &mark
		}
	}
	return err
}
