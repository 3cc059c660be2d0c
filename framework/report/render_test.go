package report_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/report"
)

var update = flag.Bool("update", false, "rewrite golden files and generated documents")

func isPrint(r rune) bool { return unicode.IsPrint(r) }

// golden compares got with the file, or rewrites the file with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "%s differs: run go test with -update and look at the change", path)
}

func judged() report.Run {
	run := sample()
	run.Verdict = report.Judge(run, false)
	return run
}

func TestGolden(t *testing.T) {
	golden(t, "testdata/report.json", encode(t, judged()))
	data, err := report.JUnit(judged())
	require.NoError(t, err)
	golden(t, "testdata/junit.xml", string(data))
	for name, encode := range map[string]func(report.Run) ([]byte, error){
		"summary.md": report.Markdown, "conformance.yaml": report.Profile, "metrics.prom": report.Metrics,
	} {
		data, err := encode(judged())
		require.NoError(t, err)
		golden(t, "testdata/"+name, string(data))
	}
	var b strings.Builder
	require.NoError(t, report.Summary(&b, judged(), "report/x/report.json", "report/x/junit.xml"))
	golden(t, "testdata/summary.txt", b.String())
}

// junitDoc is read with a parser that knows nothing of our types.
type junitDoc struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Suites   []struct {
		Name  string `xml:"name,attr"`
		Cases []struct {
			Name    string  `xml:"name,attr"`
			Failure *string `xml:"failure"`
			Error   *string `xml:"error"`
			Out     string  `xml:"system-out"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func junit(t *testing.T, run report.Run) junitDoc {
	t.Helper()
	run.Verdict = report.Judge(run, run.RequireFull)
	data, err := report.JUnit(run)
	require.NoError(t, err)
	for _, r := range string(data) {
		if r != '\n' && r != '\t' && !isPrint(r) {
			t.Fatalf("raw %q in the document", r)
		}
	}
	var doc junitDoc
	require.NoError(t, xml.Unmarshal(data, &doc))
	return doc
}

// TestJUnitIsRedWhenTheRunIsNot a pass: a CI server judges by these counts alone.
func TestJUnitIsRedWhenTheRunIsNotGood(t *testing.T) {
	full := runOf(feature(report.Pass), feature(report.Skip))
	full.RequireFull = true
	brokenSuite := runOf(feature(report.Pass))
	brokenSuite.Suites[0].Error = "objects left"
	for name, c := range map[string]struct {
		run report.Run
		red int
	}{
		"pass":          {runOf(feature(report.Pass)), 0},
		"partial":       {runOf(feature(report.Pass), feature(report.Skip)), 0},
		"partial, full": {full, 1},
		"fail":          {runOf(feature(report.Fail), feature(report.Pass)), 1},
		"error":         {runOf(feature(report.Error)), 1},
		"inconclusive":  {runOf(feature(report.Inconclusive)), 1},
		"nothing ran":   {report.Run{}, 1},
		"phase":         {report.Run{Phases: []report.Phase{{Name: "cluster", Error: "no"}}}, 1},
		"suite":         {brokenSuite, 1},
		"interrupted":   {report.Run{Interrupted: "SIGINT", Suites: runOf(feature(report.Pass)).Suites}, 1},
	} {
		doc := junit(t, c.run)
		assert.Equal(t, c.red, doc.Failures+doc.Errors, name)
		assert.Positive(t, doc.Tests, "%s: an empty document looks like a pass", name)
	}
}

func TestJUnitIsBounded(t *testing.T) {
	run := sample()
	run.Suites[0].Features[1].Steps[0].Failure.Message = strings.Repeat("ä", 1<<20)
	doc := junit(t, run)
	text := *doc.Suites[0].Cases[1].Failure
	assert.Less(t, len(text), 17<<10)
	assert.Contains(t, text, "more bytes: see report.json")
}

func TestHostileTextInJUnit(t *testing.T) {
	doc := junit(t, hostileRun())
	assert.Contains(t, *doc.Suites[0].Cases[1].Failure, `\x1b[2J`)
}

func TestHostileTextInSummary(t *testing.T) {
	var b strings.Builder
	require.NoError(t, report.Summary(&b, hostileRun(), "r/report.json"))
	for _, r := range b.String() {
		if r != '\n' && !isPrint(r) {
			t.Fatalf("raw %q on the screen", r)
		}
	}
	for line := range strings.Lines(b.String()) {
		assert.False(t, strings.HasPrefix(line, "verdict: pass"), "a line was forged: %s", line)
	}
}

func TestSummaryFitsOneScreen(t *testing.T) {
	run := sample()
	for range 200 {
		run.Suites[0].Features = append(run.Suites[0].Features, feature(report.Pass))
		run.Notes = append(run.Notes, "a note")
	}
	var b strings.Builder
	require.NoError(t, report.Summary(&b, run))
	lines := strings.Count(b.String(), "\n")
	assert.Less(t, lines, 40)
	assert.Contains(t, b.String(), "HTTPSRedirect", "what did not pass is always there")
	assert.Contains(t, b.String(), "(201 others)")
	assert.Regexp(t, "and 1[0-9]{2} notes more, which the report has", b.String())
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, "basic-gateway  ") {
			assert.LessOrEqual(t, len([]rune(line)), 121, line)
		}
	}
}

func TestSummaryWithoutFilesStillGivesTheVerdict(t *testing.T) {
	var b strings.Builder
	require.NoError(t, report.Summary(&b, report.Run{}))
	assert.Equal(t, "inconclusive: nothing ran: there was no feature to run\n", b.String())
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
	first, err := report.ReserveByKey(dir, "", at(0), "0123abcd")
	require.NoError(t, err)
	second, err := report.ReserveByKey(dir, "", at(3*time.Second), "0123abcd")
	require.NoError(t, err)
	assert.Equal(t, first, second)
	other, err := report.ReserveByKey(dir, "", at(3*time.Second), "ffff0000")
	require.NoError(t, err)
	assert.NotEqual(t, first, other)
	alone, err := report.ReserveByKey(dir, "", at(0), "")
	require.NoError(t, err)
	again, err := report.ReserveByKey(dir, "", at(0), "")
	require.NoError(t, err)
	assert.NotEqual(t, alone, again, "two runs in the same second stay apart")
	assert.Equal(t, report.GoTestKey(), report.GoTestKey(), "the same in one process")
}

func TestMergeNotesWhatDiffers(t *testing.T) {
	a, b := sample(), sample()
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
	run := sample()
	b.ReportAllocs()
	for b.Loop() {
		_ = report.Judge(run, false)
	}
}

func BenchmarkEncode(b *testing.B) {
	run := sample()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = report.Encode(run)
	}
}

// TestAllocations keeps the pure parts cheap: they run at every Write.
func TestAllocations(t *testing.T) {
	run := judged()
	assert.LessOrEqual(t, testing.AllocsPerRun(20, func() { _ = report.Judge(run, false) }), 40.0)
	assert.LessOrEqual(t, testing.AllocsPerRun(20, func() { _, _ = report.Encode(run) }), 400.0)
}
