package goldentest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCompare(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "golden.yaml")
	require.ErrorContains(t, Compare(path, []byte("a\n"), false), "run the test with -update, and read what it wrote")
	require.NoError(t, Compare(path, []byte("a\nb\n"), true))
	have, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "a\nb\n", string(have))

	require.NoError(t, Compare(path, []byte("a\nb\n"), false))
	require.ErrorContains(t, Compare(path, []byte("a\nc\n"), false), `golden.yaml, line 2: want "b", got "c"`)
	require.ErrorContains(t, Compare(path, []byte("a\n"), false), `line 2: want "b", got ""`)
	require.ErrorContains(t, Compare(path, []byte("a\nb\n\nd"), false), `line 4: want "", got "d"`)
	require.Error(t, Compare(filepath.Dir(path), nil, true), "a directory is no golden file")
}
