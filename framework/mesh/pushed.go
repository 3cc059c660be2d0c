package mesh

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"meshgate/framework/wait"
)

// AwaitPushed waits until what istiod knows at this moment is on every proxy of these
// namespaces. In a mesh that others keep changing nothing is ever quiet; there it is
// enough that istiod has begun two pushes since, of which the later one holds all that it
// knew before the earlier, and that the proxies have acknowledged what they were sent.
func (c *Console) AwaitPushed(ctx context.Context, within time.Duration, namespaces ...string) (wait.Outcome, error) {
	change, base := c.Change(Wanted{Namespaces: namespaces}), -1.0
	return wait.Until(ctx, wait.Deadline{Name: "what istiod knows on every proxy", Within: within}, programmedEvery, func(ctx context.Context) error {
		n, err := c.pushes(ctx)
		if err != nil {
			return err
		}
		if base < 0 {
			base = n
		}
		if quiet := change.Programmed(ctx); quiet == nil || n < base+2 {
			return quiet
		}
		proxies, err := c.Syncz(ctx)
		if err != nil {
			return err
		}
		return AllSynced(proxies, namespaces...)
	})
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
