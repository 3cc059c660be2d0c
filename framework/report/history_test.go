package report_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/report"
	"meshgate/framework/report/reporttest"
)

// written puts a run into dir that started so many minutes after the others.
func written(t *testing.T, dir, id string, minutes int, ended bool) string {
	t.Helper()
	run := reporttest.Sample()
	run.ID, run.Started = id, reporttest.At(time.Duration(minutes)*time.Minute)
	run.Ended = run.Started.Add(time.Second)
	if !ended {
		run.Ended = time.Time{}
	}
	_, err := report.Write(dir, run)
	require.NoError(t, err)
	return filepath.Join(dir, id)
}

func retained(t *testing.T, dir string, keep int, current string) []string {
	t.Helper()
	removed, err := report.Retain(dir, keep, current)
	require.NoError(t, err)
	for _, id := range removed {
		assert.NoDirExists(t, filepath.Join(dir, id))
	}
	return removed
}

func TestRetainKeepsTheNewestByTheirStartAndNotByTheirName(t *testing.T) {
	dir := t.TempDir()
	for i, id := range []string{"z-oldest", "m", "a", "b-newest"} {
		written(t, dir, id, i, true)
	}
	assert.Empty(t, retained(t, dir, 0, "b-newest"), "0 keeps all")
	assert.Empty(t, retained(t, dir, -1, "b-newest"))
	assert.Empty(t, retained(t, dir, 4, "b-newest"))
	assert.Equal(t, []string{"m", "z-oldest"}, retained(t, dir, 2, "b-newest"))
	assert.Empty(t, retained(t, dir, 2, "b-newest"), "there is nothing left to do")
	_, err := report.Read(filepath.Join(dir, "latest", "report.json"))
	require.NoError(t, err, "latest still leads to a report")
	leftTemporary(t, dir)
}

func TestRetainNeverRemovesTheCurrentRunNorTheLatest(t *testing.T) {
	dir := t.TempDir()
	written(t, dir, "current", 0, true)
	written(t, dir, "other", 1, true)
	written(t, dir, "newest", 2, true)
	written(t, dir, "second", 1, true) // written last: latest leads to it
	assert.Equal(t, []string{"other"}, retained(t, dir, 1, "current"))
}

func TestRetainLeavesAloneWhatIsNoFinishedRunOfOurs(t *testing.T) {
	dir := t.TempDir()
	put := func(path, content string) {
		path = filepath.Join(dir, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	whole := encode(t, reporttest.Judged())
	written(t, dir, "running", 0, false)
	held := written(t, dir, "written-now", 1, true)
	renamed := written(t, dir, "copied", 2, true)
	require.NoError(t, os.Rename(renamed, filepath.Join(dir, "copy-of-a-run")))
	half := written(t, dir, "half", 3, true)
	require.NoError(t, os.WriteFile(filepath.Join(half, "parts", "second.json"), []byte(whole[:50]), 0o600))
	put("notes/report.json", "mine")
	put("no-parts/report.json", whole)
	put("test-output.txt", "a file")
	put(".lock", "")
	put(".hidden/report.json", whole)
	outside := written(t, t.TempDir(), "linked", 4, true)
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "linked")))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "reserved", "parts"), 0o755))
	written(t, dir, "old", 5, true)
	written(t, dir, "new", 6, true)

	writer := flock.New(filepath.Join(held, ".lock"))
	require.NoError(t, writer.Lock())
	before, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Equal(t, []string{"old"}, retained(t, dir, 1, "new"))
	after, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, after, len(before)-1, "nothing else is gone")
	assert.FileExists(t, filepath.Join(outside, "report.json"), "a link is not followed")

	require.NoError(t, writer.Close())
	assert.Equal(t, []string{"written-now"}, retained(t, dir, 1, "new"), "nobody writes in it any more")
}

func TestRetainSweepsWhatAKilledProcessSetAside(t *testing.T) {
	dir := t.TempDir()
	aside := filepath.Join(dir, ".removing-20261121-113600-dead")
	require.NoError(t, os.MkdirAll(filepath.Join(aside, "parts"), 0o755))
	written(t, dir, "current", 0, true)
	assert.Empty(t, retained(t, dir, 1, "current"))
	assert.NoDirExists(t, aside)
}

func TestRetainSaysWhatItCouldNotDo(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		written(t, dir, fmt.Sprintf("run-%d", i), i, true)
	}
	// Something in the way of the name under which a run is set aside.
	blocked := filepath.Join(dir, ".removing-run-0")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	removed, err := report.Retain(dir, 1, "run-2")
	require.ErrorContains(t, err, filepath.Join(dir, "run-0"))
	assert.Equal(t, []string{"run-1"}, removed, "one that cannot be removed does not save the others")
	assert.DirExists(t, filepath.Join(dir, "run-0"))
}
