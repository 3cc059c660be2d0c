package evidence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// task is one collector with the name of what it collects, which is also the name
// of the file that tells of its failure.
type task struct {
	name string
	run  func(ctx context.Context) error
}

// outcome is how a task ended: err of the cluster, and broken when the file about
// that could not be written either.
type outcome struct {
	name        string
	err, broken error
}

// runAll runs the tasks, some at a time and in order, each within the limit and
// all within ctx.
func runAll(ctx context.Context, f *folder, limit time.Duration, tasks []task) error {
	queue := make(chan int)
	outcomes := make([]outcome, len(tasks))
	var wg sync.WaitGroup
	for range min(atOnce, len(tasks)) {
		wg.Go(func() {
			for i := range queue {
				outcomes[i] = runOne(ctx, f, limit, tasks[i])
			}
		})
	}
	for i := range tasks {
		queue <- i
	}
	close(queue)
	wg.Wait()
	return summary(outcomes)
}

func summary(outcomes []outcome) error {
	var failures []string
	var errs []error
	for _, o := range outcomes {
		if o.err != nil {
			failures = append(failures, fmt.Sprintf("%s: %v", o.name, o.err))
		}
		if o.broken != nil {
			errs = append(errs, o.broken)
		}
	}
	return errors.Join(append(errs, incomplete(failures, len(outcomes)))...)
}

func runOne(ctx context.Context, f *folder, limit time.Duration, t task) outcome {
	err := within(ctx, limit, t.run)
	if err == nil {
		return outcome{name: t.name}
	}
	var local *writeError
	if errors.As(err, &local) {
		return outcome{name: t.name, broken: err} // a file about a full disk would not fit either
	}
	note := fmt.Sprintf("%s could not be collected: %v\n", t.name, err)
	return outcome{name: t.name, err: err, broken: f.text(t.name+".failed.txt", []byte(note))}
}

// within runs a collector and gives it up when its time is over, also when it does
// not listen to its context, as some of client-go's calls do not.
func within(ctx context.Context, limit time.Duration, run func(context.Context) error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("not begun: the time for the whole capture was over")
	}
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	select {
	case err := <-done:
		return timely(ctx, limit, err)
	case <-ctx.Done():
	}
	// It may have ended at the same moment, with more to say than that time is up.
	select {
	case err := <-done:
		return timely(ctx, limit, err)
	default:
		return fmt.Errorf("no answer within %s, or within what was left of the capture's time", limit)
	}
}

func timely(ctx context.Context, limit time.Duration, err error) error {
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("gave up after %s, or when the capture's time was over: %w", limit, err)
	}
	return err
}
