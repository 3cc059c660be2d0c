package archtest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tree is the module as it is, read once.
var tree = sync.OnceValues(func() (module, error) { return read(".") })

type module struct {
	root string
	pkgs []Package
	own  map[string]Sources
	test map[string]Sources
	bad  []error // files that cannot be parsed
}

func read(dir string) (module, error) {
	m := module{own: map[string]Sources{}, test: map[string]Sources{}}
	var err error
	if m.root, m.pkgs, err = Load(context.Background(), dir); err != nil {
		return m, err
	}
	for _, p := range m.pkgs {
		var own, test error
		m.own[p.Path], own = Parse(m.root, p.Files)
		m.test[p.Path], test = Parse(m.root, p.TestFiles)
		if err := errors.Join(own, test); err != nil {
			m.bad = append(m.bad, err)
		}
	}
	return m, nil
}

func theTree(t *testing.T) module {
	t.Helper()
	m, err := tree()
	require.NoError(t, err)
	require.Greater(t, len(m.pkgs), 10)
	return m
}

func TestImports(t *testing.T) {
	m := theTree(t)
	for _, r := range ImportRules() {
		for _, v := range r.Check(m.pkgs) {
			t.Error(v)
		}
	}
}

func TestCode(t *testing.T) {
	m := theTree(t)
	assert.Empty(t, m.bad, "files that cannot be parsed hide what is in them")
	for _, r := range CodeRules() {
		t.Run(r.Name, func(t *testing.T) {
			for _, p := range m.pkgs {
				for _, v := range r.Check(p, m.own[p.Path], m.test[p.Path]) {
					t.Error(v)
				}
			}
		})
	}
}

// TestSizes prints how long functions and files are, says what is beyond the aim,
// and fails on what is beyond all measure.
func TestSizes(t *testing.T) {
	m := theTree(t)
	var functions, files []Sized
	for _, p := range m.pkgs {
		f, s := Sizes(m.own[p.Path])
		functions, files = append(functions, f...), append(files, s...)
	}
	t.Logf("%d functions: median %d lines (aim %d), p90 %d (aim %d)", len(functions), Quantile(functions, 0.5), aimMedian, Quantile(functions, 0.9), aimP90)
	t.Logf("%d files: median %d lines, p90 %d; over %d: %v", len(files), Quantile(files, 0.5), Quantile(files, 0.9), aimFile, TooLong(files, aimFile))
	assert.LessOrEqual(t, Quantile(functions, 0.5), aimMedian, "the median function")
	assert.LessOrEqual(t, Quantile(functions, 0.9), aimP90, "nine of ten functions")
	assert.Empty(t, TooLong(functions, maxFunction), "functions in which an idea hides")
	assert.Empty(t, TooLong(files, maxFile), "files of more than one idea")
}
