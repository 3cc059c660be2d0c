package runner

import (
	"context"
	"strconv"
	"time"

	"meshgate/framework/report"
	"meshgate/framework/wait"
)

// watch wraps the conditions that a step polls.
type watch interface {
	condition(c wait.Condition) wait.Condition
}

// untilDeadline leaves a condition as it is: it has until its deadline to be met.
type untilDeadline struct{}

func (untilDeadline) condition(c wait.Condition) wait.Condition { return c }

// untilCertain ends the wait for a condition that something wrong on purpose keeps from
// being met. That is certain when every proxy has what the feature has changed and the
// expected mismatch has stayed since for as long as a log takes to be written and as Stay
// takes for proof.
type untilCertain struct {
	env *environment
	// expected tells of an error whether it is the one that the sabotage must cause, and by
	// which mismatch.
	expected func(error) (report.Mismatch, bool)
}

func (w untilCertain) condition(c wait.Condition) wait.Condition {
	var since time.Time
	var before report.Mismatch
	return func(ctx context.Context) error {
		err := c(ctx)
		m, expected := w.expected(err)
		switch {
		case !expected || moving(before, m):
			since = time.Time{}
		case !since.IsZero() && time.Since(since) >= max(w.env.budget.Settled, w.env.budget.LogFlush):
			return wait.Final(err)
		case since.IsZero() && w.env.AwaitProgrammed(ctx) == nil:
			since = time.Now()
		}
		before = m
		return err
	}
}

// moving tells whether two numbers seen one after the other differ: such a number may still
// come to be right.
func moving(before, now report.Mismatch) bool {
	a, err := strconv.Atoi(before.Got)
	b, err2 := strconv.Atoi(now.Got)
	return err == nil && err2 == nil && a != b
}
