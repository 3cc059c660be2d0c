package suite

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
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
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/e2e-framework/pkg/env"
	"sigs.k8s.io/e2e-framework/pkg/envconf"
	"sigs.k8s.io/e2e-framework/pkg/types"
)

// suiteRun is one suite under way. What its features share is made when the first
// of them that was selected begins, so that a filter that matches nothing makes
// nothing.
type suiteRun struct {
	suite  Suite
	open   func(context.Context) (*testbed.Bed, controlPlane, error)
	log    progress.Log // for the report too
	shown  progress.Log // for people alone
	steps  bool         // are told as well
	secret func(string) // told every key that is made
	stop   *stop        // nil: no feature is held

	once   sync.Once
	err    error
	bed    *testbed.Bed
	ca     *pki.CA
	shared *Env

	reserved *kube.Reservation // keeps other runs of the suite away
	left     bool              // what is shared is removed
	remains  string            // could not be removed

	ending bool // the round is the last

	makes   sync.Mutex
	console controlPlane
	// removed is what features that have ended took away, and none has made again since,
	// with when istiod had forgotten it; nil: it was not seen to.
	removed map[string]*mesh.Mark

	lane  *lane         // of the round
	turns chan struct{} // has one for each feature that is asked

	mu     sync.Mutex
	round  Round
	result report.Suite // of the round
	notes  []string
}

// test is the suite as a Go test: round after round, and after the last one its cleanup.
func (s *suiteRun) test(ctx context.Context, cfg *envconf.Config, rounds []Round, last bool, done func(int, report.Suite)) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		e, err := env.NewWithContext(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rounds {
			if ctx.Err() != nil && i > 0 {
				break // the rounds that were not begun have nothing to tell
			}
			s.ending = last && i == len(rounds)-1
			s.lane = s.newLane(cfg, r, i, len(rounds))
			s.ask(t, e, r)
			s.lane.end()
			if s.ending {
				if err := s.leave(ctx); err != nil {
					t.Errorf("%s: %v", s.suite.Name, err)
				}
			}
			done(i, s.result)
		}
	}
}

// newLane is the lane of a round. One of several is in the report as a phase, whether it
// asks features of this suite or not.
func (s *suiteRun) newLane(filter *envconf.Config, r Round, i, of int) *lane {
	l := &lane{name: s.suite.Name, log: s.shown, lines: progress.Lines(s.shown), steps: s.steps}
	for _, f := range s.suite.Features {
		if r.has(s.suite.Name, f) && selects(filter, s.suite.Name, f) && matched(f) {
			l.of++
		}
	}
	if of > 1 {
		l.name, l.log = fmt.Sprintf("%s, round %d of %d", s.suite.Name, i+1, of), s.log
		l.begin()
	}
	return l
}

// controlPlane is what a suite asks of it: whether what it made or removed has come to
// everywhere. *mesh.Console is one.
type controlPlane interface {
	Known(ctx context.Context, within time.Duration, w mesh.Wanted) (mesh.Mark, error)
	AwaitPushed(ctx context.Context, within time.Duration, since mesh.Mark, meant func(mesh.ProxyStatus) bool) error
	Close()
}

// remade waits, if any of these objects was removed by a feature before, until that has
// reached the proxies: what is made again at once would find its counters there, and a
// feature that lacks it would pass for what the one before has left.
func (s *suiteRun) remade(ctx context.Context, objs []*unstructured.Unstructured) error {
	again, unseen, since := s.removedOf(objs)
	if len(again) == 0 {
		return nil
	}
	if len(unseen) > 0 {
		var err error
		if since, err = s.known(ctx, mesh.Wanted{Deleted: unseen}); err != nil {
			return err
		}
	}
	if err := s.pushed(ctx, since); err != nil {
		return err
	}
	s.makes.Lock()
	defer s.makes.Unlock()
	for _, o := range again {
		delete(s.removed, kube.Name(o))
	}
	maps.DeleteFunc(s.removed, func(_ string, mark *mesh.Mark) bool { return mark != nil && !mark.After(since) })
	return nil
}

// removedOf are those of the objects that were removed, those of them whose removal was not
// seen, and when the last of the others was.
func (s *suiteRun) removedOf(objs []*unstructured.Unstructured) (again, unseen []*unstructured.Unstructured, since mesh.Mark) {
	s.makes.Lock()
	defer s.makes.Unlock()
	for _, o := range objs {
		mark, there := s.removed[kube.Name(o)]
		switch {
		case !there:
			continue
		case mark == nil:
			unseen = append(unseen, o)
		case mark.After(since):
			since = *mark
		}
		again = append(again, o)
	}
	return again, unseen, since
}

// gone notes what a feature has removed, if another round may make it again.
func (s *suiteRun) gone(ctx context.Context, objs []*unstructured.Unstructured) error {
	objs = slices.DeleteFunc(slices.Clone(objs), func(o *unstructured.Unstructured) bool {
		return !mesh.Listed(o)
	})
	if s.ending || len(objs) == 0 || ctx.Err() != nil {
		return nil
	}
	mark, err := s.known(ctx, mesh.Wanted{Deleted: objs})
	s.makes.Lock()
	defer s.makes.Unlock()
	for _, o := range objs {
		s.removed[kube.Name(o)] = nil
		if err == nil {
			s.removed[kube.Name(o)] = &mark
		}
	}
	return err
}

// effective waits until a change is on the proxies, whatever else they wait for.
func (s *suiteRun) effective(ctx context.Context, w mesh.Wanted) error {
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

// concerned are the proxies that what the suite changes is to come to: those of its own
// namespaces, and of gateways. A gateway that is for another suite alone may have to wait
// there for what does not exist.
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

// ask runs one round: its features side by side, then one by one those that would
// disturb them.
func (s *suiteRun) ask(t *testing.T, e types.Environment, r Round) {
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

// turn waits until the feature may be asked beside those that are, and returns how to let
// the next one.
func (s *suiteRun) turn(ctx context.Context) (done func(), err error) {
	select {
	case s.turns <- struct{}{}:
		return func() { <-s.turns }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// enter returns what a feature works with, after making what the suite shares.
func (s *suiteRun) enter(ctx context.Context, f Feature) (*Env, error) {
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
	phase := s.log.Begin("suite " + s.suite.Name)
	_, err = guarded(func() (result, error) { return result{}, s.stand(ctx, phase) })
	phase.End(err)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.result.Error = err.Error()
	}
	return err
}

func (s *suiteRun) stand(ctx context.Context, phase progress.Phase) error {
	var err error
	if s.ca, err = pki.NewCA("meshgate " + s.suite.Name); err != nil {
		return err
	}
	phase.Waiting("other runs of it on this cluster")
	s.reserved, err = s.bed.Kube.Reserve(ctx, s.bed.Mesh.Ingress.Namespace, "meshgate-"+s.suite.Name)
	if err != nil {
		return err
	}
	s.shared = s.env("")
	if err := s.clear(ctx, phase); err != nil {
		return err
	}
	if err := s.lacks(); err != nil {
		return nil // every feature will say so, and be skipped
	}
	phase.Waiting("namespaces and applications")
	s.shared.waiting = progress.NewGroup(phase)
	for _, readable := range s.suite.Namespaces {
		if err := s.shared.Make(ctx, manifest.Namespace(s.shared.Namespace(readable), s.bed.Mesh.MemberLabels)); err != nil {
			return err
		}
	}
	for _, readable := range s.suite.Outside {
		if err := s.shared.Make(ctx, manifest.Namespace(s.shared.Namespace(readable), nil)); err != nil {
			return err
		}
	}
	if err := s.shared.Stand(ctx, s.suite.Given); err != nil || s.suite.Prepare == nil {
		return err
	}
	phase.Waiting("what the applications need")
	return s.suite.Prepare(ctx, s.shared)
}

func (s *suiteRun) env(part string) *Env {
	return &Env{
		id: strings.ToLower(rand.Text()[:10]), Kube: s.bed.Kube, Mesh: s.bed.Mesh, Budget: s.bed.Config.Budget, CA: s.ca,
		names: newNamespaces(s.bed.Config.Names, s.bed.Mesh, s.suite), owner: kube.Owner(s.suite.Name + part),
		outside: probe.Outside(), images: s.bed.Images, secret: s.secret, tell: s.note, began: time.Now(),
		certs: map[string]*pki.Certificate{}, logins: map[string]Login{}, logs: map[string]corev1.Pod{}, shared: s.shared, remade: s.remade, effective: s.effective,
	}
}

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
