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

// Mark is a point in the sequence of istiod's pushes. In a mesh that others keep changing
// istiod is never quiet; but the second push that begins after a mark contains everything
// that istiod knew at the mark.
type Mark struct{ pushes float64 }

// After reports whether the mark is later than the other.
func (m Mark) After(other Mark) bool { return m.pushes > other.pushes }

// Known waits until every istiod has a change, and marks that point. Objects that istiod does
// not list, such as Secrets, count as known.
func (c *Console) Known(ctx context.Context, within time.Duration, w Wanted) (Mark, error) {
	objs, err := c.current(ctx, w)
	if err != nil {
		return Mark{}, err
	}
	var mark Mark
	_, err = wait.Until(ctx, wait.Deadline{Name: "istiod has the change", Within: within}, programmedEvery, func(ctx context.Context) (err error) {
		if err = c.seen(ctx, objs); err == nil {
			mark.pushes, err = c.pushes(ctx) // fails while a just started istiod has no such counter yet
		}
		return err
	})
	return mark, err
}

// AwaitPushed waits until every selected proxy has what istiod knew at a mark: two pushes
// have begun since, or nothing changes any more, and each proxy has acknowledged what it was
// sent by then, even if it was sent more meanwhile.
func (c *Console) AwaitPushed(ctx context.Context, within time.Duration, since Mark, meant func(ProxyStatus) bool) error {
	change, answers := c.Change(Wanted{Of: meant}), answers{}
	_, err := wait.Until(ctx, wait.Deadline{Name: "every proxy has what istiod knows", Within: within}, programmedEvery, func(ctx context.Context) error {
		n, err := c.pushes(ctx)
		if err != nil {
			return err
		}
		if n < since.pushes {
			since.pushes = 0 // a restarted istiod counts from 0
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

// answers has what each proxy was sent, by type, since the first check; nil for an
// acknowledged type. A proxy that is constantly sent something is never SYNCED, but it
// acknowledges one after the other.
type answers map[[2]string]map[string]bool

// missing checks once, and names the proxies that have acknowledged nothing of what they were
// sent since the first check.
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

// pushes counts the pushes that all istiods have begun.
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

// counterIn sums a counter over all its labels, in Prometheus' text format.
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
