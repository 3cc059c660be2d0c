package mesh

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"meshgate/framework/wait"
)

// Mark is a moment of istiod's. In a mesh that others keep changing nothing is ever quiet;
// but of two pushes that istiod begins after a mark, the later one holds all that it knew
// then.
type Mark struct{ pushes float64 }

// After says whether the mark is the later one.
func (m Mark) After(other Mark) bool { return m.pushes > other.pushes }

// Known waits until every istiod has a change as it is wanted, and marks that moment. What
// istiod does not list, such as Secrets, counts as known.
func (c *Console) Known(ctx context.Context, within time.Duration, w Wanted) (Mark, error) {
	objs, err := c.current(ctx, w)
	if err != nil {
		return Mark{}, err
	}
	var mark Mark
	_, err = wait.Until(ctx, wait.Deadline{Name: "the change in istiod", Within: within}, programmedEvery, func(ctx context.Context) (err error) {
		if err = c.seen(ctx, objs); err == nil {
			mark.pushes, err = c.pushes(ctx) // which an istiod that has just started does not count yet
		}
		return err
	})
	return mark, err
}

// AwaitPushed waits until what istiod knew at a mark is on every proxy that is meant: two
// pushes have begun since, or nothing moves any more, and each proxy has acknowledged
// what it was sent then, whatever it has been sent meanwhile.
func (c *Console) AwaitPushed(ctx context.Context, within time.Duration, since Mark, meant func(ProxyStatus) bool) error {
	change, answers := c.Change(Wanted{Of: meant}), answers{}
	_, err := wait.Until(ctx, wait.Deadline{Name: "what istiod knows on every proxy", Within: within}, programmedEvery, func(ctx context.Context) error {
		n, err := c.pushes(ctx)
		if err != nil {
			return err
		}
		if n < since.pushes {
			since.pushes = 0 // an istiod that has started anew counts from there
		}
		if n < since.pushes+2 {
			return change.Programmed(ctx)
		}
		proxies, err := c.Syncz(ctx)
		if err != nil {
			return err
		}
		return answers.missing(Among(proxies, meant))
	})
	return err
}

// answers are what was sent to each proxy, by type, since one began to look; nil for what
// has been acknowledged. A proxy that is sent something all the time is never SYNCED, but
// it acknowledges one thing after the other.
type answers map[[2]string]map[string]bool

// missing takes a look, and says which proxies have acknowledged nothing of what they were
// sent since the first.
func (a answers) missing(proxies []ProxyStatus) error {
	var errs []error
	for _, p := range proxies {
		for name, t := range p.Types {
			key := [2]string{p.Namespace + "/" + p.Proxy, name}
			sent, known := a[key]
			if !known {
				sent = map[string]bool{}
			}
			if known && sent == nil || t.State == Synced || sent[t.Acked] {
				a[key] = nil
				continue
			}
			sent[t.Sent] = true
			a[key] = sent
			if err := p.Check(); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// pushes counts those that all istiods have begun.
func (c *Console) pushes(ctx context.Context) (float64, error) {
	answers, err := c.ask(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, a := range answers {
		n, err := counterIn(a.body, "pilot_pushcontext_init_seconds_count")
		if err != nil {
			return 0, fmt.Errorf("metrics of %s: %w", a.pod, err)
		}
		sum += n
	}
	return sum, nil
}

// counterIn adds up a counter over all its labels, in the text format that Prometheus reads.
func counterIn(metrics []byte, name string) (float64, error) {
	sum, found := 0.0, false
	lines := bufio.NewScanner(bytes.NewReader(metrics))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		l := lines.Text()
		if !strings.HasPrefix(l, name) {
			continue
		}
		v, err := strconv.ParseFloat(l[strings.LastIndexByte(l, ' ')+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("%s: want a number at the end of %q: %w", name, l, err)
		}
		sum, found = sum+v, true
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	if !found {
		return 0, fmt.Errorf("%s: want this counter, got %d bytes without it", name, len(metrics))
	}
	return sum, nil
}
