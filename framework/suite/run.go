package suite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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
	open   func(context.Context) (*testbed.Bed, error)
	log    progress.Log
	secret func(string)                                                            // told every key that is made
	pushed func(ctx context.Context, bed *testbed.Bed, namespaces ...string) error // waits for the proxies
	stop   *stop                                                                   // nil: no feature is held

	once   sync.Once
	err    error
	bed    *testbed.Bed
	ca     *pki.CA
	shared *Env

	left bool // what is shared is removed

	makes   sync.Mutex
	removed map[string]bool // by features that have ended, and not made again since

	mu     sync.Mutex
	round  Round
	result report.Suite // of the round
	notes  []string
}

// test is the suite as a Go test: round after round, and after the last one its cleanup.
func (s *suiteRun) test(ctx context.Context, cfg *envconf.Config, rounds []Round, last bool, done func(int, report.Suite)) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		e, err := env.NewWithContext(ctx, cfg.WithParallelTestEnabled())
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rounds {
			if ctx.Err() != nil && i > 0 {
				break // the rounds that were not begun have nothing to tell
			}
			s.told(i, len(rounds), func() { s.ask(t, e, r) })
			if last && i == len(rounds)-1 {
				if err := s.leave(ctx); err != nil {
					t.Errorf("%s: %v", s.suite.Name, err)
				}
			}
			done(i, s.result)
		}
	}
}

// told says which of several rounds is played.
func (s *suiteRun) told(i, of int, play func()) {
	if of == 1 {
		play()
		return
	}
	phase := s.log.Begin(fmt.Sprintf("%s, round %d of %d", s.suite.Name, i+1, of))
	play()
	phase.End(nil)
}

// remade waits, if any of these objects was removed by a feature before, until that has
// reached the proxies: what is made again at once would find its counters there, and a
// feature that lacks it would pass for what the one before has left.
func (s *suiteRun) remade(ctx context.Context, objs []*unstructured.Unstructured) error {
	s.makes.Lock() // the others that make something again wait as well
	defer s.makes.Unlock()
	if !slices.ContainsFunc(objs, func(o *unstructured.Unstructured) bool { return s.removed[kube.Name(o)] }) {
		return nil
	}
	s.removed = map[string]bool{}
	return s.pushed(ctx, s.bed, append(s.realNamespaces(), s.bed.Mesh.Ingress.Namespace)...)
}

// gone notes what a feature has removed.
func (s *suiteRun) gone(objs []*unstructured.Unstructured) {
	s.makes.Lock()
	defer s.makes.Unlock()
	for _, o := range objs {
		if strings.HasSuffix(o.GroupVersionKind().Group, ".istio.io") {
			s.removed[kube.Name(o)] = true
		}
	}
}

// pushed waits until what istiod knows is on the proxies of these namespaces.
func pushed(ctx context.Context, bed *testbed.Bed, namespaces ...string) error {
	console := mesh.NewConsole(bed.Kube, bed.Mesh)
	defer console.Close()
	_, err := console.AwaitPushed(ctx, bed.Config.Budget.Ready, namespaces...)
	return err
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
	bed, err := s.open(ctx)
	if err != nil {
		return err
	}
	s.bed = bed
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
	s.shared = s.env("")
	if err := s.lacks(Feature{}); err != nil {
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
		certs: map[string]*pki.Certificate{}, logins: map[string]Login{}, shared: s.shared, remade: s.remade,
	}
}

// leave removes what the features shared and proves that nothing is left.
func (s *suiteRun) leave(ctx context.Context) error {
	if s.shared == nil || s.left {
		return nil
	}
	s.left = true
	err := s.shared.clean(ctx)
	if err == nil {
		err = s.nothingLeft(ctx)
	}
	if err != nil {
		if s.result.Error != "" {
			err = errors.Join(errors.New(s.result.Error), err)
		}
		s.result.Error = err.Error()
	}
	s.result.Took = report.Seconds(time.Since(s.result.Started))
	return err
}

// nothingLeft looks for objects that carry an owner label of this suite.
func (s *suiteRun) nothingLeft(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), s.bed.Config.Budget.Deletion)
	defer stop()
	all, err := s.bed.Kube.Owned(ctx, "")
	if err != nil {
		return err
	}
	var left []string
	for _, o := range all {
		if owner, _ := kube.Ours(o); owner == s.shared.owner || slices.ContainsFunc(s.suite.Features, func(f Feature) bool {
			return owner == s.shared.owner+kube.Owner("-"+f.Name)
		}) {
			left = append(left, kube.Name(o))
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("left behind: %v", left)
	}
	return nil
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
