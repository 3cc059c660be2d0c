package runner

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"meshgate/framework/suite"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"meshgate/framework/kube"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/progress"
	"meshgate/framework/report"
	"meshgate/framework/testbed"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/e2e-framework/pkg/env"
	"sigs.k8s.io/e2e-framework/pkg/envconf"
	"sigs.k8s.io/e2e-framework/pkg/types"
)

// suiteRun is one suite under way. The objects that its features share are made when the
// first selected feature begins, so that a filter that matches nothing makes nothing.
type suiteRun struct {
	suite   suite.Suite
	session *Session
	open    func(context.Context) (*testbed.Bed, controlPlane, error)

	once   sync.Once
	err    error
	bed    *testbed.Bed
	ca     *pki.CA
	shared *environment

	reserved *kube.Reservation // keeps other runs of the suite away
	tornDown bool              // the shared objects are removed
	leaked   string            // what could not be removed; empty: nothing
	ending   bool              // the round is the last

	deletions sync.Mutex
	console   controlPlane
	// deleted has the objects that features which have ended deleted and that none has made
	// again since, with the moment at which istiod had forgotten each; nil: not seen.
	deleted map[string]*mesh.Mark

	progress *suiteProgress // of the round
	turns    chan struct{}  // holds one token for each feature that runs

	mu     sync.Mutex
	round  Round
	result report.Suite // of the round
	notes  []string
}

// test is the suite as a Go test: it runs round after round, and tears down after the last.
func (s *suiteRun) test(ctx context.Context, cfg *envconf.Config, rounds []Round, last bool, done func(int, report.Suite)) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		e, err := env.NewWithContext(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rounds {
			if ctx.Err() != nil && i > 0 {
				break // rounds that were not begun have no results
			}
			s.ending = last && i == len(rounds)-1
			s.progress = s.newProgress(cfg, r, i, len(rounds))
			s.run(t, e, r)
			s.progress.end()
			if s.ending {
				if err := s.tearDown(ctx); err != nil {
					t.Errorf("%s: %v", s.suite.Name, err)
				}
			}
			done(i, s.result)
		}
	}
}

// newProgress shows people the progress of a round. One of several rounds is a phase of the
// report, whether it runs features of this suite or not.
func (s *suiteRun) newProgress(filter *envconf.Config, r Round, i, of int) *suiteProgress {
	o := s.session.options
	l := &suiteProgress{name: s.suite.Name, log: o.Log, lines: progress.Lines(o.Log), steps: o.Verbose}
	for _, f := range s.suite.Features {
		if r.has(s.suite.Name, f) && selects(filter, s.suite.Name, f) && matched(f) {
			l.of++
		}
	}
	if of > 1 {
		l.name, l.log = fmt.Sprintf("%s, round %d of %d", s.suite.Name, i+1, of), s.session.phases
		l.begin()
	}
	return l
}

// controlPlane is asked whether what a suite applied or deleted has reached every proxy.
// *mesh.Console is one.
type controlPlane interface {
	Known(ctx context.Context, within time.Duration, w mesh.Wanted) (mesh.Mark, error)
	AwaitPushed(ctx context.Context, within time.Duration, since mesh.Mark, meant func(mesh.ProxyStatus) bool) error
	Close()
}

// programmed waits until a change is on the proxies, whatever else they wait for.
func (s *suiteRun) programmed(ctx context.Context, w mesh.Wanted) error {
	since, err := s.known(ctx, w)
	if err != nil {
		return err
	}
	return s.pushed(ctx, since)
}

func (s *suiteRun) known(ctx context.Context, w mesh.Wanted) (mesh.Mark, error) {
	return s.console.Known(ctx, s.bed.Config.Budget.Ready, w)
}

func (s *suiteRun) pushed(ctx context.Context, since mesh.Mark) error {
	return s.console.AwaitPushed(ctx, s.bed.Config.Budget.Ready, since, s.concerned())
}

// concerned selects the proxies that a change of the suite must reach: those of its own
// namespaces, and of gateways. A gateway that belongs to another suite is left out, for it
// may be waiting for a secret that does not exist.
func (s *suiteRun) concerned() func(mesh.ProxyStatus) bool {
	m := s.bed.Mesh
	near := mesh.In(append(s.realNamespaces(), m.Ingress.Namespace, m.Egress.Namespace)...)
	others := maps.Clone(m.Others)
	for _, own := range s.suite.Gateways {
		delete(others, own.Name)
	}
	return func(p mesh.ProxyStatus) bool {
		for _, g := range others {
			if g.Runs(p) {
				return false
			}
		}
		return near(p)
	}
}

// run runs one round: its features concurrently, then one by one those that would
// disturb the others.
func (s *suiteRun) run(t *testing.T, e types.Environment, r Round) {
	s.round = r
	s.result = report.Suite{Name: s.suite.Name, Promise: s.suite.Promise, Started: time.Now()}
	if s.err != nil {
		s.result.Error = s.err.Error()
	}
	var together, alone []types.Feature
	for _, f := range s.suite.Features {
		switch {
		case !r.has(s.suite.Name, f):
		case f.Alone:
			alone = append(alone, s.compile(f))
		default:
			together = append(together, s.compile(f))
		}
	}
	e.TestInParallel(t, together...)
	e.Test(t, alone...)
	s.result.Took = report.Seconds(time.Since(s.result.Started))
}

// turn blocks until a concurrency slot is free; release frees it again.
func (s *suiteRun) turn(ctx context.Context) (release func(), err error) {
	select {
	case s.turns <- struct{}{}:
		return func() { <-s.turns }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// enter returns the environment of a feature, after making what the suite shares.
func (s *suiteRun) enter(ctx context.Context, f suite.Feature) (*environment, error) {
	if err := s.started(ctx); err != nil {
		return nil, err
	}
	return s.env("-" + f.Name), nil
}

// started makes what the suite shares, once.
func (s *suiteRun) started(ctx context.Context) error {
	s.once.Do(func() { s.err = s.begin(ctx) })
	return s.err
}

func (s *suiteRun) begin(ctx context.Context) error {
	var err error
	if s.bed, s.console, err = s.open(ctx); err != nil {
		return err
	}
	phase := s.session.phases.Begin("suite " + s.suite.Name)
	err = guarded(func() error { return s.setUp(ctx, phase) })
	phase.End(err)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.result.Error = err.Error()
	}
	return err
}

func (s *suiteRun) setUp(ctx context.Context, phase progress.Phase) error {
	var err error
	if s.ca, err = pki.NewCA("meshgate " + s.suite.Name); err != nil {
		return err
	}
	phase.Waiting("other runs of the suite on this cluster")
	s.reserved, err = s.bed.Kube.Reserve(ctx, s.bed.Mesh.Ingress.Namespace, "meshgate-"+s.suite.Name)
	if err != nil {
		return err
	}
	s.shared = s.env("")
	if err := s.deleteStale(ctx, phase); err != nil {
		return err
	}
	if err := s.lacks(); err != nil {
		return nil // every feature is skipped for this reason
	}
	phase.Waiting("namespaces and applications")
	s.shared.waiting = progress.NewGroup(phase)
	for _, readable := range s.suite.Namespaces {
		if err := s.shared.make(ctx, manifest.Namespace(s.shared.Namespace(readable), s.bed.Mesh.MemberLabels)); err != nil {
			return err
		}
	}
	for _, readable := range s.suite.Outside {
		if err := s.shared.make(ctx, manifest.Namespace(s.shared.Namespace(readable), nil)); err != nil {
			return err
		}
	}
	if err := s.shared.Apply(ctx, s.suite.Setup...); err != nil || s.suite.Prepare == nil {
		return err
	}
	phase.Waiting("what the applications need")
	return s.suite.Prepare(ctx, s.shared)
}

// env makes an environment of the suite; part distinguishes the owner of its objects.
func (s *suiteRun) env(part string) *environment {
	return &environment{
		host: s, id: strings.ToLower(rand.Text()[:10]), kube: s.bed.Kube, mesh: s.bed.Mesh, budget: s.bed.Config.Budget, ca: s.ca,
		names: newNamespaces(s.bed.Config.Names, s.bed.Mesh, s.suite), owner: kube.Owner(s.suite.Name + part),
		outside: probe.Outside(), images: s.bed.Images, began: time.Now(), shared: s.shared, watch: untilDeadline{},
		named: map[string]probe.Observation{}, addresses: map[string]string{}, certs: map[string]*pki.Certificate{}, logins: map[string]suite.Login{}, logs: map[string]corev1.Pod{},
	}
}

func (s *suiteRun) secret(value string) { s.session.redactor.Secret(value) }

func (s *suiteRun) alwaysNeeded() []mesh.Capability {
	return []mesh.Capability{mesh.SidecarInjection}
}

func (s *suiteRun) realNamespaces() []string {
	var out []string
	for _, n := range slices.Concat(s.suite.Namespaces, s.suite.Outside) {
		out = append(out, s.shared.Namespace(n))
	}
	return out
}

func (s *suiteRun) add(f report.Feature) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result.Features = append(s.result.Features, f)
}

func (s *suiteRun) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}
