package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meshgate/framework/kube"
	"meshgate/framework/wait"
)

// tryAgain is the pause between two attempts to clear away.
const tryAgain = time.Second

// clean removes everything that was made, and starts what was stopped. It works on a context
// of its own with a limit of its own, because the one before it may have been cancelled.
func (e *environment) clean(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), e.budget.Deletion)
	defer stop()
	finished := e.finish(ctx)
	if err := e.persist(ctx, func(ctx context.Context) error { return e.kube.Delete(ctx, e.made()...) }); err != nil {
		return errors.Join(finished, fmt.Errorf("left behind: %w", err))
	}
	return errors.Join(finished, e.persist(ctx, e.restart))
}

// persist calls do until it succeeds: that the API server is away for a while must
// leave nothing behind. What is not ours stays refused.
func (e *environment) persist(ctx context.Context, do func(context.Context) error) error {
	var last error // says more than that the time is up
	_, err := wait.Until(ctx, wait.Deadline{Name: "all cleared away", Within: e.budget.Deletion}, tryAgain, func(ctx context.Context) error {
		if last = do(ctx); errors.Is(last, kube.ErrForeign) {
			return wait.Final(last)
		}
		return last
	})
	if err == nil {
		return nil
	}
	return last
}
