package html_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	nethtml "golang.org/x/net/html"

	"meshgate/framework/report"
	"meshgate/framework/report/render/html"
	"meshgate/framework/report/reporttest"
	"meshgate/framework/report/soak"
)

// node is an element of a page as a browser would see it.
type node struct {
	tag, text string
	attr      map[string]string
}

func htmlOf(t *testing.T, run report.Run) string {
	t.Helper()
	data, err := html.Render(run)
	require.NoError(t, err)
	return string(data)
}

// elements reads the page with a parser that knows nothing of our templates.
func elements(t *testing.T, page string) []node {
	t.Helper()
	doc, err := nethtml.Parse(strings.NewReader(page))
	require.NoError(t, err)
	var out []node
	for n := range doc.Descendants() {
		if n.Type != nethtml.ElementNode {
			continue
		}
		e := node{tag: n.Data, attr: map[string]string{}}
		for _, a := range n.Attr {
			e.attr[a.Key] = a.Val
		}
		var text strings.Builder
		for c := range n.Descendants() {
			if c.Type == nethtml.TextNode {
				text.WriteString(c.Data)
			}
		}
		e.text = text.String()
		out = append(out, e)
	}
	return out
}

func with(nodes []node, tag, class string) []node {
	var out []node
	for _, n := range nodes {
		if n.tag == tag && (class == "" || strings.Contains(" "+n.attr["class"]+" ", " "+class+" ")) {
			out = append(out, n)
		}
	}
	return out
}

func ids(nodes []node) []string {
	var out []string
	for _, n := range nodes {
		if id := n.attr["id"]; id != "" && n.tag == "section" && n.attr["class"] == "" {
			out = append(out, id)
		}
	}
	return out
}

// markup are texts that break out of a page that escapes too little.
func markup() []string {
	return []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onfocus='alert(1)' autofocus='`, `</title><script>`,
		`</style><script>alert(1)</script>`, `</pre></details><iframe src=//x.test>`, `-->]]><svg onload=alert(1)>`, `{{.}}<b>`, "\x1b[2J\u202e\x00\xff",
	}
}

// TestHostileTextIsTextInHTML puts markup into every text of a run, however deep, and
// looks for elements and attributes that no template has.
func TestHostileTextIsTextInHTML(t *testing.T) {
	run := fullRun()
	clean := elements(t, htmlOf(t, run))
	for _, text := range markup() {
		page := htmlOf(t, run.Redacted(suffix(text)))
		assert.Empty(t, reporttest.Unprintable(page, "\n\t"), "%q", text)
		got := elements(t, page)
		require.Equal(t, tags(clean), tags(got), "the same elements and attributes as without %q", text)
	}
}

// tags is the page without its texts; links to what lies elsewhere are none.
func tags(nodes []node) map[string]int {
	out := map[string]int{}
	for _, n := range nodes {
		if n.tag == "a" && !strings.HasPrefix(n.attr["href"], "#") || n.tag == "span" {
			continue
		}
		out[n.tag]++
		for name := range n.attr {
			if name != "class" {
				out[n.tag+" "+name]++
			}
		}
	}
	return out
}

// suffix is a redactor that puts a text behind every text.
type suffix string

func (s suffix) String(text string) string {
	switch text { // words that a page reads
	case "", "pass", "fail", "skip", "error", "inconclusive", "given", "control", "then", "cleanup",
		"survived", "wrong-reason", "collateral", "killed", "unharmed", "not-shown":
		return text
	}
	if strings.HasPrefix(text, "evidence/") { // a slash would make another folder; links have a test of their own
		return text
	}
	return text + string(s)
}

func (s suffix) JSON(data []byte) []byte {
	text, err := json.Marshal(map[string]string{"was": string(data), "header": string(s)})
	if err != nil {
		return data
	}
	return text
}

func TestEvidenceLinksStayBesideThePage(t *testing.T) {
	run := reporttest.Sample()
	step := &run.Suites[0].Features[1].Steps[0]
	step.Evidence = []string{
		"javascript:alert(1)", "https://x.test/a", "//x.test/a", "/etc/passwd", "../../secret", "a/../../b", `..\b`, "data:text/html,x", "",
		"evidence/a b/50%/c#d?e.json", "evidence/\"><b>.txt",
	}
	var links []string
	for _, n := range with(elements(t, htmlOf(t, run)), "a", "") {
		if !strings.HasPrefix(n.attr["href"], "#") {
			links = append(links, n.attr["href"])
		}
	}
	assert.ElementsMatch(t, []string{"./javascript:alert%281%29", "./data:text/html,x", "./evidence/a%20b/50%25/c%23d%3Fe.json",
		"./evidence/%22%3E%3Cb%3E.txt", "./report.json", "./junit.xml"}, links)
}

// TestPolicy is that the page may do nothing, and needs nothing.
func TestPolicy(t *testing.T) {
	nodes := elements(t, htmlOf(t, fullRun()))
	style := with(nodes, "style", "")
	require.Len(t, style, 1)
	sum := sha256.Sum256([]byte(style[0].text))
	policies := 0
	for _, n := range with(nodes, "meta", "") {
		if n.attr["http-equiv"] == "Content-Security-Policy" {
			policies++
			assert.Equal(t, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; base-uri 'none'; form-action 'none'", n.attr["content"])
		}
	}
	assert.Equal(t, 1, policies)
	assert.NotContains(t, style[0].text, "url(")
	assert.NotContains(t, style[0].text, "@import")
	for _, n := range nodes {
		assert.NotContains(t, []string{"script", "link", "img", "iframe", "object", "embed", "form", "base"}, n.tag)
		for name := range n.attr {
			assert.False(t, strings.HasPrefix(name, "on") || name == "src" || name == "style", "%s %s", n.tag, name)
		}
	}
}

// fullRun is the sample with times, and with everything that some runs have.
func fullRun() report.Run {
	run := reporttest.Judged()
	run.Notes = []string{"the facts differ"}
	f := run.Suites[0].Features
	for i := range f {
		f[i].Started = reporttest.At(time.Duration(20+5*i) * time.Second)
		for j := range f[i].Steps {
			f[i].Steps[j].Started = f[i].Started.Add(time.Duration(j) * time.Second)
		}
	}
	repeated := soak.Of(run.Suites, run.Suites)
	run.Soak = &repeated
	for _, o := range []report.KillOutcome{report.Killed, report.Unharmed, report.Survived, report.WrongReason, report.Collateral, report.NotShown} {
		run.Kills = append(run.Kills, report.Kill{By: report.Defective, Wrong: "defect-" + string(o), Suite: "basic-gateway", Feature: "CORS", Step: "allowed", Field: "status", Outcome: o, Got: "saw " + string(o)})
	}
	return run
}

func TestSectionsAreThereForWhatThereIs(t *testing.T) {
	always := []string{"facts"}
	assert.Equal(t, always, ids(elements(t, htmlOf(t, report.Run{}))))
	assert.Equal(t, []string{"first", "features", "timeline", "converged", "skips", "phases", "facts"}, ids(elements(t, htmlOf(t, reporttest.Judged()))))
	assert.Equal(t, []string{"kills", "soak", "features", "timeline", "converged", "skips", "phases", "notes", "facts"}, ids(elements(t, htmlOf(t, fullRun()))))
	truncated := report.Run{ID: "r", Started: reporttest.At(0), Suites: []report.Suite{{Features: []report.Feature{{}}}}, Phases: []report.Phase{{}}, Soak: &report.Soak{}}
	assert.Contains(t, htmlOf(t, truncated), "ended with the unknown status")
}

func TestPageSaysWhatTheRunSaid(t *testing.T) {
	run := fullRun()
	run.Kills = nil
	page := htmlOf(t, run)
	nodes := elements(t, page)
	text := with(nodes, "body", "")[0].text
	for _, want := range []string{
		run.Verdict.Sentence, "istio 1.31.1", "v1.36.3", "fc4a32a, changed since", "sha256:0000", "upstream Envoy 1.40.0 instead of Istio's build",
		"meshgate run --suite basic-gateway", "kubelet accepts cgroup v1", "Tracing: no collector is installed", "the facts differ", `"provider": "kind"`,
		"3 attempts", "converged after 840 ms", "19 attempts", "the API server refused the VirtualService", "the positive control never succeeded",
	} {
		assert.Contains(t, text, want)
	}
	mismatch := with(nodes, "table", "mismatches")
	require.Len(t, mismatch, 1)
	for _, want := range []string{"Location", "https://api.test/a", "https://api.test/"} {
		assert.Contains(t, mismatch[0].text, want)
	}
	assert.Contains(t, text, "\"Location\": [\n", "the observation is indented")
	assert.Contains(t, page, `href="./evidence/HTTPSRedirect/redirects/events.yaml"`)
	first := with(nodes, "ul", "first")
	require.Len(t, first, 1)
	assert.Regexp(t, `(?s)HTTPSRedirect.*CORS.*ExactPath`, first[0].text, "a broken promise comes before an error")
	for _, filter := range []string{"fail", "error", "inconclusive", "skip", "pass"} {
		assert.Contains(t, page, `id="show-`+filter+`"`)
		assert.Contains(t, page, "#features:has(#show-"+filter+":checked) .feature:not(."+filter+")", "the filter does something")
	}
}

func TestTimelineDrawsWhenThingsWere(t *testing.T) {
	page := htmlOf(t, fullRun())
	// The run takes 95 s; the second feature begins at 25 s and takes 21 s.
	assert.Regexp(t, `<rect class="feature fail" x="26\.32%" width="22\.11%"[^>]*><title>HTTPSRedirect: fail, 25\.0 s to 46\.0 s after the start, took 21\.0 s \(at 11:36:25 UTC\)`, page)
	assert.Regexp(t, `<rect class="step fail" x="26\.32%"[^>]*><title>then redirects: fail, [^<]*, 19 attempts`, page)
	assert.Contains(t, page, `<text x="31.58%" y="11">30 s</text>`)
	late := fullRun()
	late.Ended = time.Time{} // still runs: the picture ends with what was seen last
	late.Suites[0].Features[0].Started = reporttest.At(time.Hour)
	for _, m := range regexp.MustCompile(`class="(?:feature|step|phase)[^"]*" x="([\d.]+)%" width="([\d.]+)%"`).FindAllStringSubmatch(htmlOf(t, late), -1) {
		x, _ := strconv.ParseFloat(m[1], 64)
		width, _ := strconv.ParseFloat(m[2], 64)
		assert.LessOrEqual(t, x+width, 100.01, "within the picture")
		assert.GreaterOrEqual(t, width, 0.2, "to be seen")
	}
	untimed := htmlOf(t, reporttest.Judged())
	assert.Contains(t, untimed, "5 features have no times")
}

func TestKillMatrixShowsTheWorstFirst(t *testing.T) {
	tables := with(elements(t, htmlOf(t, fullRun())), "table", "kills")
	require.Len(t, tables, 2)
	assert.Regexp(t, `(?s)defect-survived.*saw survived.*defect-wrong-reason.*defect-collateral.*defect-not-shown`, tables[0].text)
	assert.NotContains(t, tables[0].text, "defect-killed")
	assert.Regexp(t, `(?s)defect-killed.*allowed, by status.*defect-unharmed`, tables[1].text)
}

func TestSoakShowsFailuresFirst(t *testing.T) {
	tables := with(elements(t, htmlOf(t, fullRun())), "table", "pictures")
	require.Len(t, tables, 3, "failed, never failed, convergence")
	assert.Contains(t, tables[0].text, "redirects")
	assert.Contains(t, tables[0].text, "2 of 2")
	assert.Regexp(t, `(?s)serves the certificate.*gateway and secret`, tables[1].text, "more retries come first")
}

// TestHTMLIsBounded: a night on which everything failed, with long texts made of what
// escaping makes five times as long.
func TestHTMLIsBounded(t *testing.T) {
	run := reporttest.Sample()
	long := strings.Repeat(`"<&>'`, 20<<10)
	var names []string
	for i := range 90 {
		names = append(names, fmt.Sprintf("evidence/basic-gateway/%s/%d.log", strings.Repeat("pod", 40), i))
	}
	observation, err := json.Marshal(map[string]string{"body": long})
	require.NoError(t, err)
	step := report.Step{Name: long, Kind: report.Assertion, Status: report.Fail, Started: reporttest.At(0), Evidence: names, Failure: &report.Failure{
		Message: long, Observation: observation, Mismatches: []report.Mismatch{{Field: long, Want: long, Got: long}, {Field: long, Want: long, Got: long}}}}
	f := report.Feature{Name: long, Status: report.Fail, Reason: long, Started: reporttest.At(0), Took: 1}
	for range 12 {
		f.Steps = append(f.Steps, step)
	}
	run.Suites[0].Features = nil
	for range 60 {
		run.Suites[0].Features = append(run.Suites[0].Features, f)
	}
	run.Verdict = report.Judge(run, false)
	page := htmlOf(t, run)
	assert.Less(t, len(page), 5<<20)
	assert.Contains(t, page, "more bytes: see report.json")
	assert.Contains(t, page, "are not shown whole here")
	assert.Equal(t, 60, strings.Count(page, `<details class="feature fail"`), "every feature is there")
	assert.NotContains(t, htmlOf(t, reporttest.Judged()), "not shown whole", "what is short is whole")
}
