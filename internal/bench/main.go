// Command bench measures the figures in docs/benchmarks.md: the warm run and the bare floor,
// alternating in one session because machines are noisy, and the run on a kept cluster. It
// prints a Markdown table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"meshgate/framework/config"
	"meshgate/framework/report"
	"meshgate/framework/testbed"
)

const clusterName = "meshgate-bench"

func main() {
	rounds := flag.Int("rounds", 3, "number of measurements of each figure")
	flag.Parse()
	ctx, stop := testbed.Interruptible(context.Background(), os.Stderr)
	err := measure(ctx, *rounds)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// figures are the measurements of one kind, in order.
type figures struct {
	name   string
	values []float64
	unit   string
	goal   string
}

func (f *figures) add(v float64) { f.values = append(f.values, v) }

func (f *figures) row() string {
	v := slices.Sorted(slices.Values(f.values))
	return fmt.Sprintf("| %s | %.1f | %.1f | %.1f | %s | %s |", f.name, v[0], v[len(v)/2], v[len(v)-1], f.unit, f.goal)
}

// The suites that the goals speak of.
const (
	basic  = "basic-gateway"
	mongo  = "mongo-ingress,mongo-egress"
	egress = "egress-control,egress-priority,tls-origination"
	all    = basic + "," + mongo + "," + egress
)

// measure removes its cluster in any case; it keeps the report of a failed run.
func measure(ctx context.Context, rounds int) (err error) {
	reports, err := os.MkdirTemp("", "meshgate-bench-")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			err = os.RemoveAll(reports)
		} else {
			err = fmt.Errorf("%w: reports are in %s", err, reports)
		}
		err = errors.Join(err, meshgate(context.WithoutCancel(ctx), "down"))
	}()
	warm := &figures{name: "warm run: no cluster, to the end of the last feature", unit: "s", goal: "≤ 75"}
	after := &figures{name: "— of that, after the mesh was ready", unit: "s", goal: "≤ 30"}
	whole := &figures{name: "— with the cluster removed again", unit: "s"}
	floor := &figures{name: "bare floor: cluster, mesh, bookinfo ready", unit: "s"}
	ratio := &figures{name: "warm run / bare floor, pair by pair", unit: "×", goal: "≤ 1.6"}
	memory := &figures{name: "peak memory of run and cluster", unit: "GiB", goal: "≤ 6"}
	kept := &figures{name: "basic-gateway on a kept cluster, to the end of the last feature", unit: "s", goal: "≤ 25"}
	pair := &figures{name: "both MongoDB suites on a kept cluster, after the mesh was ready", unit: "s", goal: "≤ 40"}
	three := &figures{name: "the three egress suites on a kept cluster, after the mesh was ready", unit: "s", goal: "≤ 60"}
	every := &figures{name: "all six suites on a kept cluster, after the mesh was ready", unit: "s"}
	for range rounds {
		bare, err := bareFloor(ctx)
		if err != nil {
			return fmt.Errorf("bare floor: %w", err)
		}
		peak := watchMemory(ctx)
		r, err := run(ctx, reports, basic)
		if err != nil {
			return fmt.Errorf("warm run: %w", err)
		}
		memory.add(peak())
		floor.add(bare)
		warm.add(r.verdict)
		after.add(r.suites)
		whole.add(r.wall)
		ratio.add(r.verdict / bare)
	}
	if err := keptRuns(ctx, reports, rounds, []keptRun{
		{basic, func(r result) { kept.add(r.verdict) }},
		{mongo, func(r result) { pair.add(r.suites) }},
		{egress, func(r result) { three.add(r.suites) }},
		{all, func(r result) { every.add(r.suites) }},
	}); err != nil {
		return fmt.Errorf("kept cluster: %w", err)
	}
	fmt.Println("| what | min | median | max | unit | goal |\n|---|---|---|---|---|---|")
	for _, f := range []*figures{warm, after, whole, floor, ratio, memory, kept, pair, three, every} {
		fmt.Println(f.row())
	}
	return nil
}

// keptRun is one on a kept cluster.
type keptRun struct {
	suites string
	add    func(result)
}

// keptRun is one run on a kept cluster.
func keptRuns(ctx context.Context, reports string, rounds int, runs []keptRun) error {
	if err := meshgate(ctx, "up"); err != nil {
		return err
	}
	for range rounds {
		for _, k := range runs {
			r, err := run(ctx, reports, k.suites)
			if err != nil {
				return err
			}
			k.add(r)
		}
	}
	return nil
}

// result is one run in seconds: to the last feature's end, from the first suite's
// beginning to there, and of the process.
type result struct{ verdict, suites, wall float64 }

func run(ctx context.Context, reports, suites string) (result, error) {
	began := time.Now()
	if err := meshgate(ctx, "run", "--report", reports, "--suite", suites); err != nil {
		return result{}, err
	}
	wall := time.Since(began)
	r, err := report.Read(filepath.Join(reports, report.FileLatest, report.FileJSON))
	if err != nil {
		return result{}, err
	}
	var last time.Time
	for _, s := range r.Suites {
		for _, f := range s.Features {
			if end := f.Started.Add(time.Duration(f.Took)); end.After(last) {
				last = end
			}
		}
	}
	ready := r.Started
	for _, p := range r.Phases {
		if end := p.Started.Add(time.Duration(p.Took)); len(p.Name) > 7 && p.Name[:7] == "install" && end.After(ready) {
			ready = end
		}
	}
	return result{last.Sub(began).Seconds(), last.Sub(ready).Seconds(), wall.Seconds()}, nil
}

func meshgate(ctx context.Context, args ...string) error {
	c := exec.CommandContext(ctx, "bin/meshgate", append(args, "--cluster", clusterName)...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.Stderr, c.Stdout = os.Stderr, os.Stderr
	return c.Run()
}

func benchConfig() (config.Config, error) {
	return config.Load([]string{"MESHGATE_CLUSTER=" + clusterName})
}
