package suite

import (
	"context"
	"slices"
	"time"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
)

// InSteps is a limit by the clock: callers ask at once a server that takes Delay for each
// answer, and Limit of them are served at a time. So that many are answered after one delay,
// as many more after two.
type InSteps struct {
	// Undelayed and Delayed are the request without and with the delay.
	Undelayed, Delayed probe.Request
	// Client is the application from whose pod they ask.
	Client App
	// Limit is how many are served at a time, and Callers how many ask.
	Limit, Callers int
	// Delay is how long the server takes for each answer.
	Delay time.Duration
	// Rounds is how often they ask: the machine may be busy in one of the rounds.
	Rounds int
}

// ByTheClock wants the answers to come in steps. None may be early in any round; all must be
// in time in one of them, see expect.InTime. What else takes time is measured in the same
// round: as many callers ask without the delay, before and after, and the slowest of them
// counts.
func ByTheClock(s InSteps) Condition {
	var fields []expect.Field
	for n := range s.Callers {
		fields = append(fields, expect.TimeOfAnswerField(n+1))
	}
	return That(func(ctx context.Context, e Env) error {
		return expect.InTime(s.Rounds, func() (tells bool, late, wrong error) {
			answers, overhead, err := s.round(ctx, e)
			if err != nil {
				return false, nil, err
			}
			e.Note("%d callers, %s each, %d at a time: answered after %s; without the delay the last after %s", s.Callers, s.Delay, s.Limit, answers, overhead)
			expected := expect.Steps{Limit: s.Limit, Delay: s.Delay, Overhead: overhead}
			return overhead < s.Delay, expected.NotLate(answers), expected.NotEarly(answers)
		})
	}, append(fields, expect.FieldStatus)...)
}

// round is when the callers were answered, and how long the slowest waited when the server
// did not delay them.
func (s InSteps) round(ctx context.Context, e Env) (answers []time.Duration, overhead time.Duration, err error) {
	together := func(r probe.Request) ([]time.Duration, error) {
		return expect.Arrivals(e.AskAllFrom(ctx, s.Client.Namespace, s.Client.Name, 0, slices.Repeat([]probe.Request{r}, s.Callers)...))
	}
	before, err := together(s.Undelayed)
	if err != nil {
		return nil, 0, err
	}
	if answers, err = together(s.Delayed); err != nil {
		return nil, 0, err
	}
	after, err := together(s.Undelayed)
	if err != nil {
		return nil, 0, err
	}
	return answers, max(slices.Max(before), slices.Max(after)), nil
}
