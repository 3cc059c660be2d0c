//go:build e2e

package kind

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/progress"
	"meshgate/framework/wait"
)

// childVariable makes this test binary a process that brings the cluster up and
// says each of its steps.
const childVariable = "MESHGATE_KIND_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

func child(dir string) int {
	b, err := bundle.Open("")
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	p, err := New(e2eOptions(dir))
	if err == nil {
		_, err = p.Up(context.Background(), b, &teller{told: func(s string) { fmt.Println(s) }})
	}
	fmt.Println("ended:", err)
	return 0
}

func e2eOptions(dir string) Options {
	return Options{Name: "meshgate-e2e", Nodes: 1, Engine: engine.Auto, Dir: dir, Budget: wait.DefaultBudget().Scale(3)}
}

// teller is a progress.Log that passes on what is waited for, each thing once.
type teller struct {
	told func(string)
	mu   sync.Mutex
	seen map[string]bool
}

func (l *teller) Begin(string) progress.Phase { return l }
func (l *teller) Show(s progress.State)       { l.Waiting(s.Object) }
func (l *teller) Note(f string, args ...any)  { l.Waiting("note: " + fmt.Sprintf(f, args...)) }
func (l *teller) End(error)                   {}
func (l *teller) Waiting(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	if !l.seen[s] {
		l.seen[s] = true
		l.told(s)
	}
}

// stand is what each test works with. It leaves nothing, also when it fails.
type stand struct {
	*testing.T
	p *Provider
	b *bundle.Bundle
	e *engine.Engine
}

func newStand(t *testing.T) stand {
	t.Helper()
	b, err := bundle.Open("")
	require.NoError(t, err, "these tests need a bundle: meshgate bundle")
	t.Cleanup(b.Close)
	p, err := New(e2eOptions(t.TempDir()))
	require.NoError(t, err)
	e, err := engine.Detect(context.Background(), engine.Commands{}, engine.Auto)
	require.NoError(t, err)
	s := stand{t, p, b, e}
	t.Cleanup(func() { require.NoError(t, p.Down(context.Background(), progress.Discard())) })
	return s
}

// nothingLeft looks with the engine's own eyes.
func (s stand) nothingLeft(volumes []string) {
	s.Helper()
	for _, args := range [][]string{{"ps", "--all", "--format", "{{.Names}}"}, {"network", "ls", "--format", "{{.Name}}"}} {
		out, err := s.e.Run(context.Background(), args...)
		require.NoError(s, err)
		assert.NotContains(s, string(out), s.p.o.Name, strings.Join(args, " "))
	}
	out, err := s.e.Run(context.Background(), "volume", "ls", "--quiet")
	require.NoError(s, err)
	for _, v := range volumes {
		assert.NotContains(s, string(out), v)
	}
	assert.NoDirExists(s, s.p.names.dir)
	left, err := s.p.Leftovers(context.Background())
	require.NoError(s, err)
	assert.Empty(s, left)
}

func (s stand) volumes() []string {
	nodes, err := listNodes(context.Background(), s.e, s.p.o.Name)
	if err != nil {
		return nil
	}
	var all []string
	for _, n := range nodes {
		all = append(all, n.volumes()...)
	}
	return all
}
