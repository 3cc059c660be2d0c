package report_test

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/manifest/goldentest"
	"meshgate/framework/report"
	"meshgate/framework/report/reporttest"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestTheJSONDocumentIsAsPublished(t *testing.T) {
	require.NoError(t, goldentest.Compare("testdata/report.json", []byte(encode(t, reporttest.Judged())), *update))
}

func TestFullDiskLeavesTheTargetAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	require.NoError(t, os.WriteFile(path, []byte("earlier"), 0o600))
	err := report.WriteAtomic(path, func(w io.Writer) error {
		_, err := w.Write([]byte("half"))
		return errors.Join(err, syscall.ENOSPC)
	})
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "the disk is full: free space")
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "earlier", string(got))
	leftTemporary(t, filepath.Dir(path))
}

func TestProcessesOfOneGoTestShareAFolder(t *testing.T) {
	dir := t.TempDir()
	first, err := report.ReserveByKey(dir, "", reporttest.At(0), "0123abcd")
	require.NoError(t, err)
	second, err := report.ReserveByKey(dir, "", reporttest.At(3*time.Second), "0123abcd")
	require.NoError(t, err)
	assert.Equal(t, first, second)
	other, err := report.ReserveByKey(dir, "", reporttest.At(3*time.Second), "ffff0000")
	require.NoError(t, err)
	assert.NotEqual(t, first, other)
	alone, err := report.ReserveByKey(dir, "", reporttest.At(0), "")
	require.NoError(t, err)
	again, err := report.ReserveByKey(dir, "", reporttest.At(0), "")
	require.NoError(t, err)
	assert.NotEqual(t, alone, again, "two runs in the same second stay apart")
	assert.Equal(t, report.GoTestKey(), report.GoTestKey(), "the same in one process")
}

func TestMergeNotesWhatDiffers(t *testing.T) {
	a, b := reporttest.Sample(), reporttest.Sample()
	b.Started = b.Started.Add(time.Second)
	b.Facts.Cluster.Created = false // the second process took what the first made
	assert.Empty(t, report.Merge(a, b).Notes)
	b.Facts.Mesh.Version = "1.22.0"
	b.Interrupted = "SIGTERM"
	merged := report.Merge(b, a)
	assert.Equal(t, []string{"the facts of the process of basic-gateway differ from those shown"}, merged.Notes)
	assert.Equal(t, "1.31.1", merged.Facts.Mesh.Version, "the first one's word, whatever the order of arguments")
	assert.Equal(t, 130, merged.Verdict.Exit)
	assert.Equal(t, 10, merged.Verdict.Counts.Features)
	assert.Len(t, a.Suites, 1, "the arguments are untouched")
	assert.Equal(t, 3, report.Merge().Verdict.Exit, "nothing merged is nothing run")
}

func BenchmarkJudge(b *testing.B) {
	run := reporttest.Sample()
	b.ReportAllocs()
	for b.Loop() {
		_ = report.Judge(run, false)
	}
}

func BenchmarkEncode(b *testing.B) {
	run := reporttest.Sample()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = report.Encode(run)
	}
}

// TestAllocations keeps the pure parts cheap: they run at every Write.
func TestAllocations(t *testing.T) {
	run := reporttest.Judged()
	assert.LessOrEqual(t, testing.AllocsPerRun(20, func() { _ = report.Judge(run, false) }), 40.0)
	assert.LessOrEqual(t, testing.AllocsPerRun(20, func() { _, _ = report.Encode(run) }), 400.0)
}
