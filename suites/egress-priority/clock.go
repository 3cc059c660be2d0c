package egresspriority

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// delay is how long the server takes for an answer where time is looked at. The original
// example takes five seconds; what matters is that it is long beside what a proxy adds.
const delay = 400 * time.Millisecond

// rounds of asking by the clock: the machine may be busy in one of them.
const rounds = 3

// inSteps asserts by the clock what the limit implies: so many answers after one delay, so
// many after two. None may be early in any round; all must be in time in one of them, see
// expect.InTime. What else takes time is measured in the same round: as many callers ask
// without a delay, before and after, and the slowest of them tells.
func (h host) inSteps(plan string, limit, callers int) suite.Step {
	steps := (callers + limit - 1) / limit
	name := fmt.Sprintf("by the clock, %d callers of %s are answered in %d step(s) of %s", callers, plan, steps, delay)
	return suite.Holds(name, func(ctx context.Context, e *suite.Env) error {
		return expect.InTime(rounds, func() (tells bool, late, wrong error) {
			answers, overhead, err := h.timedCrowd(ctx, e, plan, callers)
			if err != nil {
				return false, nil, err
			}
			e.Note("%s, %d callers, %s each: answered after %s s; without a delay the last after %.2f s", plan, callers, delay, text(answers), overhead.Seconds())
			expected := expect.Steps{Limit: limit, Delay: delay, Overhead: overhead}
			return overhead < delay, expected.NotLate(answers), expected.NotEarly(answers)
		})
	})
}

// timedCrowd is when callers who ask at once are answered, and what they are when the
// server does not delay them.
func (h host) timedCrowd(ctx context.Context, e *suite.Env, plan string, callers int) (answers []time.Duration, overhead time.Duration, err error) {
	together := func(query string) ([]time.Duration, error) {
		return ended(e.AskAllFrom(ctx, "bookinfo", product, 0, slices.Repeat([]probe.Request{h.ask(plan, query)}, callers)...))
	}
	before, err := together("")
	if err != nil {
		return nil, 0, err
	}
	if answers, err = together("delay=" + delay.String()); err != nil {
		return nil, 0, err
	}
	after, err := together("")
	if err != nil {
		return nil, 0, err
	}
	return answers, max(slices.Max(before), slices.Max(after)), nil
}

// ended says when each answer was there, counted from when the first of them was asked
// for, in that order.
func ended(answers []probe.Observation) ([]time.Duration, error) {
	var all []time.Duration
	began := answers[0].At
	for _, o := range answers {
		if o.At.Before(began) {
			began = o.At
		}
	}
	for _, o := range answers {
		if err := expect.Status(200)(o); err != nil {
			return nil, err
		}
		all = append(all, o.At.Add(o.Timing.Total).Sub(began))
	}
	slices.Sort(all)
	return all, nil
}

func text(all []time.Duration) string {
	words := make([]string, len(all))
	for i, d := range all {
		words[i] = fmt.Sprintf("%.2f", d.Seconds())
	}
	return strings.Join(words, " ")
}
