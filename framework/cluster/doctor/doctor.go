// Package doctor checks this machine before anything is created on it. It reports in numbers
// what the machine has, what a run needs, and the command that repairs a shortage.
package doctor

import (
	"context"
	"errors"
	"fmt"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/machine"
)

// Finding is the result of one check.
type Finding struct {
	// Name is what was checked: "memory", "engine".
	Name string
	// OK says that this suffices for a run.
	OK bool
	// Saw and Want are the present and the needed value, with units.
	Saw, Want string
	// Note is additional information about a finding that is OK.
	Note string
	// Fix is the command that repairs it, or other advice; empty when OK.
	Fix string
}

func (f Finding) String() string {
	if f.OK {
		return fmt.Sprintf("%s: %s", f.Name, f.Saw)
	}
	return fmt.Sprintf("%s: want %s, got %s; %s", f.Name, f.Want, f.Saw, f.Fix)
}

// Needs are what a run uses, in bytes. They were measured on two cores: a run with its
// cluster of one node peaks at 3.1 GiB of memory; a build of the bundle from source with
// empty caches writes 10 GiB into Go's caches, and the bundle, the node image and the node's
// volume need another 4 GiB.
type Needs struct {
	Memory int64
	// CacheDisk is for the file system of the bundle and Go's caches, EngineDisk
	// for that of the engine's data.
	CacheDisk, EngineDisk int64
	// Nodes is the size of the cluster; 0 counts as 1.
	Nodes int
}

const gib = 1 << 30

// Warm is what a run with a complete bundle needs.
func Warm() Needs { return Needs{Memory: 5 * gib, CacheDisk: 1 * gib, EngineDisk: 4 * gib} }

// Cold is what a run needs that builds its bundle from source.
func Cold() Needs { return Needs{Memory: 5 * gib, CacheDisk: 14 * gib, EngineDisk: 4 * gib} }

// Options say what to check.
type Options struct {
	// Engine is the engine that the configuration names.
	Engine engine.Kind
	// CacheDir is where the bundle is kept.
	CacheDir string
	Needs    Needs
	// Runner runs the engine's command; nil means engine.Commands.
	Runner engine.Runner
}

// Check makes all checks. An error means that a check could not be made; shortages of the
// machine are in the findings.
func Check(ctx context.Context, o Options) ([]Finding, error) {
	if o.Runner == nil {
		o.Runner = engine.Commands{}
	}
	h, err := machine.Inspect()
	if err != nil {
		return nil, err
	}
	e, eerr := engine.Detect(ctx, o.Runner, o.Engine)
	if ctx.Err() != nil {
		return nil, eerr
	}
	findings := []Finding{checkEngine(e, eerr, h), checkCgroups(e, h), checkCapabilities(e, h)}
	findings = append(findings, checkHost(h, o.Needs)...)
	disks, err := checkDisks(o.CacheDir, root(e), o.Needs)
	return append(findings, disks...), err
}

// defaultRoot is Docker's default folder for its data.
const defaultRoot = "/var/lib/docker"

// root is the folder of the engine's data, also before it exists.
func root(e *engine.Engine) string {
	if e == nil || e.Root == "" {
		return defaultRoot
	}
	return e.Root
}

// Preflight makes the checks that precede the creation of a cluster: memory and disk. The
// error lists every finding that is not OK.
func Preflight(h machine.Facts, e *engine.Engine, cacheDir string, n Needs) error {
	findings, err := checkDisks(cacheDir, root(e), n)
	errs := []error{err}
	for _, f := range append(findings, checkMemory(h, n.Memory)) {
		if !f.OK {
			errs = append(errs, errors.New(f.String()))
		}
	}
	return errors.Join(errs...)
}

// Failed returns the findings that are not OK.
func Failed(findings []Finding) []Finding {
	var out []Finding
	for _, f := range findings {
		if !f.OK {
			out = append(out, f)
		}
	}
	return out
}
