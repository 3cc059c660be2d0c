package markdown_test

import (
	"flag"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/manifest/goldentest"
	"meshgate/framework/report"
	"meshgate/framework/report/render/markdown"
	"meshgate/framework/report/reporttest"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestGolden(t *testing.T) {
	data, err := markdown.Summary(reporttest.Judged())
	require.NoError(t, err)
	require.NoError(t, goldentest.Compare("testdata/summary.md", data, *update))
}

func summary(t *testing.T, run report.Run) string {
	t.Helper()
	run.Verdict = report.Judge(run, run.RequireFull)
	data, err := markdown.Summary(run)
	require.NoError(t, err)
	return string(data)
}

// spans are the texts from outside, escaped as they stand there.
var spans = regexp.MustCompile(`(?s)<code>(.*?)</code>`)

// TestNothingFromOutsideIsMarkup: in a span nothing stands but what means nothing to
// Markdown, HTML, or a forge's references; and a reader gets the text back.
func TestNothingFromOutsideIsMarkup(t *testing.T) {
	const mean = "a|b `c` <script>alert(1)</script> @octocat #12 !3 **x** [l](javascript:x) ![i](u) https://e.test www.e.test $1 ~~d~~ &amp; \\| _u_ </code>\n| forged | row |\n## heading"
	run := reporttest.Sample()
	f := &run.Suites[0].Features[1]
	f.Name, f.Steps[0].Failure.Mismatches[0].Got, f.Reason = mean, mean, mean
	f.Steps[0].Evidence = []string{"evidence/a b/](x)\"><script>|`@me/f.txt"}
	run.Facts.Mesh.Version, run.Notes, run.Command = mean, []string{mean}, append(run.Command, mean)
	run.Suites[0].Features[0].Name = mean
	page := summary(t, run)
	harmless := regexp.MustCompile(`^(?:[\p{L}\p{Nd} ,/-]|&#[0-9]+;|…)*$`)
	for _, m := range spans.FindAllStringSubmatch(page, -1) {
		assert.Regexp(t, harmless, m[1])
	}
	links := regexp.MustCompile(`<a href="\./[A-Za-z0-9/%@._-]+">`)
	assert.Regexp(t, links, page)
	outside := links.ReplaceAllString(spans.ReplaceAllString(page, ""), "")
	for _, bad := range []string{"script", "octocat", "forged", "javascript", "`@", "@", "e.test", "## heading", "](x)"} {
		assert.NotContains(t, outside, bad)
	}
	assert.Contains(t, html.UnescapeString(page), `<script>alert(1)</script> @octocat #12`, "a reader sees what was there")
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "|") && strings.Contains(line, "octocat") {
			assert.Equal(t, 6, strings.Count(line, "|"), "five cells: %s", line)
		}
	}
}

func TestEvidenceIsOnlyLinkedWhereItLiesBelowThePage(t *testing.T) {
	for evidence, linked := range map[string]bool{
		"evidence/F/step/objects.yaml": true, "../../etc/passwd": false, "/etc/passwd": false, "javascript:alert(1)/x": true, "a/../../b/c": false,
	} {
		run := reporttest.Sample()
		run.Suites[0].Features[1].Steps[0].Evidence = []string{evidence}
		page := summary(t, run)
		assert.Equal(t, linked, strings.Contains(page, "<a href="), evidence)
		assert.NotContains(t, page, `href="javascript:`, "a scheme is no folder")
	}
}

func TestThePageTellsWhatIsNotGreenAndHowToReproduceIt(t *testing.T) {
	run := reporttest.Sample()
	run.Suites[0].Error = "objects left"
	run.Phases[0].Error = "no space"
	page := html.UnescapeString(summary(t, run))
	reds, rest, found := strings.Cut(page, "<details>")
	require.True(t, found)
	for _, want := range []string{"<code>fail</code>", "| 5 | 1 | 1 | 1 | 1 | 1 |", "| <code>phase</code> | <code>cluster</code> | error | <code>no space</code>",
		"<code>objects left</code>", "<code>HTTPSRedirect</code> | fail | <code>Location: want", `<a href="./evidence/HTTPSRedirect/redirects">`,
		"<code>ObservedInTrace</code> | skip | <code>Tracing: no collector is installed</code>", "<code>meshgate run --suite basic-gateway</code>"} {
		assert.Contains(t, reds, want)
	}
	assert.NotContains(t, reds, "TLSTermination")
	assert.Contains(t, rest, "<summary>1 feature passed</summary>")
	assert.Contains(t, rest, "<code>basic-gateway/TLSTermination</code> 2.3 s")
	assert.NotContains(t, summary(t, reporttest.RunOf(reporttest.Feature(report.Pass))), "Not green")
}

func TestThePageIsBoundedAndSaysSo(t *testing.T) {
	run := reporttest.Sample()
	bad := reporttest.Feature(report.Error)
	bad.Reason = strings.Repeat("|", 100000)
	for range 5000 {
		run.Suites[0].Features = append(run.Suites[0].Features, bad, reporttest.Feature(report.Pass))
		run.Notes = append(run.Notes, bad.Reason)
	}
	run.Suites[0].Name = strings.Repeat("@", 1000)
	run.Command = append(run.Command, strings.Repeat("`", 100000))
	page := summary(t, run)
	assert.Less(t, len(page), 1<<20, "what a step's summary may have")
	assert.LessOrEqual(t, len(page), 512<<10)
	assert.Equal(t, 3, strings.Count(page, " more: see report.json"), "reds, notes, and the rest")
	assert.Contains(t, page, "### Reproduce")
	assert.True(t, strings.HasSuffix(page, "</details>\n"))
}
