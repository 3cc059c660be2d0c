package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// scripted is a Runner whose commands answer as a test says. What it was asked
// is in calls.
type scripted struct {
	t     *testing.T
	found map[string][]string
	// answers maps the beginning of a command line to its result.
	answers map[string]answer
	calls   []string
}

type answer struct {
	out string
	err error
}

func (s *scripted) Find(name string) []string { return s.found[name] }

func (s *scripted) Run(ctx context.Context, c Call) ([]byte, error) {
	line := strings.Join(append([]string{c.Name}, c.Args...), " ")
	s.calls = append(s.calls, line)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	best := ""
	for prefix := range s.answers {
		if strings.HasPrefix(line, prefix) && len(prefix) > len(best) {
			best = prefix
		}
	}
	if best == "" {
		s.t.Errorf("unexpected command: %s", line)
		return nil, errors.New("unexpected command")
	}
	return []byte(s.answers[best].out), s.answers[best].err
}

func exit(stderr string) error { return &ExitError{Command: "docker info", Code: 1, Stderr: stderr} }
