package evidence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// task is one collector with the name of what it collects. A failure of it is written to a
// file of that name.
type task struct {
	name string
	run  func(ctx context.Context) error
}

// outcome is how a task ended: err is the cluster's error, broken says that the file about it
// could not be written either.
type outcome struct {
	name        string
	err, broken error
}

// runAll runs the tasks in order, maxConcurrent at a time, each within the limit and all
// within ctx.
func runAll(ctx context.Context, f *folder, limit time.Duration, tasks []task) error {
	queue := make(chan int)
	outcomes := make([]outcome, len(tasks))
	var wg sync.WaitGroup
	for range min(maxConcurrent, len(tasks)) {
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

// grace is the time for which a collector may still write after its limit.
const grace = 300 * time.Millisecond

// within runs a collector and abandons it soon after its limit, also when it ignores its
// context, as some calls of client-go do.
func within(whole context.Context, limit time.Duration, run func(context.Context) error) error {
	if whole.Err() != nil {
		return errors.New("not started: the time for the whole capture was over")
	}
	ctx, stop := context.WithTimeout(whole, limit)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case err := <-done:
		if err == nil {
			return nil
		}
		return fmt.Errorf("%w: %w", late(whole, limit), err)
	case <-patience.C:
		return late(whole, limit)
	}
}

func late(whole context.Context, limit time.Duration) error {
	if whole.Err() != nil {
		return errors.New("no answer before the time for the whole capture was over")
	}
	return fmt.Errorf("no answer within %s", limit)
}
