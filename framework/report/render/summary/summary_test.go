package summary_test

import (
	"flag"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/manifest/goldentest"
	"meshgate/framework/report"
	"meshgate/framework/report/render/summary"
	"meshgate/framework/report/reporttest"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestGolden(t *testing.T) {
	var b strings.Builder
	require.NoError(t, summary.Print(&b, reporttest.Judged(), "report/x/report.json", "report/x/junit.xml"))
	require.NoError(t, goldentest.Compare("testdata/summary.txt", []byte(b.String()), *update))
}

func TestHostileTextInSummary(t *testing.T) {
	var b strings.Builder
	require.NoError(t, summary.Print(&b, reporttest.Hostile(), "r/report.json"))
	assert.Empty(t, reporttest.Unprintable(b.String(), "\n"), "unprintable runes")
	for line := range strings.Lines(b.String()) {
		assert.False(t, strings.HasPrefix(line, "verdict: pass"), "a line was forged: %s", line)
	}
}

func TestSummaryFitsOneScreen(t *testing.T) {
	run := reporttest.Sample()
	for range 200 {
		run.Suites[0].Features = append(run.Suites[0].Features, reporttest.Feature(report.Pass))
		run.Notes = append(run.Notes, "a note")
	}
	var b strings.Builder
	require.NoError(t, summary.Print(&b, run))
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
	require.NoError(t, summary.Print(&b, report.Run{}))
	assert.Equal(t, "inconclusive: nothing ran: there was no feature to run\n", b.String())
}

func TestAForgedVerdictDoesNothingToTheTerminal(t *testing.T) {
	run := reporttest.Judged()
	run.Verdict.Sentence = "pass\x1b[2J\nfail"
	var b strings.Builder
	require.NoError(t, summary.Print(&b, run, "report.json"))
	assert.Contains(t, b.String(), `pass\x1b[2J\nfail`)
	assert.NotContains(t, b.String(), "\x1b")
}
