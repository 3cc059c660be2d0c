// Package junit gives a run as JUnit XML, for CI servers.
package junit

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"meshgate/framework/printable"
	"meshgate/framework/report"
	"meshgate/framework/report/render/wording"
)

// maxText bounds each text of a test case: CI servers hold the whole file
// in memory. The JSON report has all of it.
const maxText = 16 << 10

// The elements and their order are those of the schema that Jenkins publishes
// for its JUnit plugin; GitLab reads a part of the same.
type testSuites struct {
	XMLName  xml.Name    `xml:"testsuites"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     string      `xml:"time,attr"`
	Suites   []testSuite `xml:"testsuite"`
}

type testSuite struct {
	Name       string     `xml:"name,attr"`
	Tests      int        `xml:"tests,attr"`
	Failures   int        `xml:"failures,attr"`
	Errors     int        `xml:"errors,attr"`
	Skipped    int        `xml:"skipped,attr"`
	Time       string     `xml:"time,attr"`
	Timestamp  string     `xml:"timestamp,attr,omitempty"`
	Properties []property `xml:"properties>property,omitempty"`
	Cases      []testCase `xml:"testcase"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type testCase struct {
	Class     string      `xml:"classname,attr"`
	Name      string      `xml:"name,attr"`
	Time      string      `xml:"time,attr"`
	Skipped   *testResult `xml:"skipped"`
	Error     *testResult `xml:"error"`
	Failure   *testResult `xml:"failure"`
	SystemOut string      `xml:"system-out,omitempty"`
}

type testResult struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// Render gives the run as JUnit XML: a test suite for each suite, a test case for
// each feature, and a suite "meshgate" for the phases and the verdict, so that a
// run that could not ask anything is red in CI too. Inconclusive features and
// infrastructure errors are errors with a type that says so. Text is made
// printable: XML cannot hold control characters at all.
func Render(run report.Run) ([]byte, error) {
	doc := testSuites{Name: "meshgate", Time: seconds(report.Seconds(run.Ended.Sub(run.Started)))}
	if run.Ended.IsZero() {
		doc.Time = "0"
	}
	for _, s := range run.Suites {
		doc.add(suiteOf(s, run))
	}
	doc.add(runSuite(run, doc.Failures+doc.Errors > 0))
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", "  ")
	if err := e.Encode(doc); err != nil {
		return nil, fmt.Errorf("report %s: cannot be encoded as JUnit: %w", run.ID, err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func (d *testSuites) add(s testSuite) {
	for _, c := range s.Cases {
		s.Tests++
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	d.Tests, d.Failures, d.Errors = d.Tests+s.Tests, d.Failures+s.Failures, d.Errors+s.Errors
	d.Suites = append(d.Suites, s)
}

func suiteOf(s report.Suite, run report.Run) testSuite {
	out := testSuite{Name: printable.Line(s.Name), Time: seconds(s.Took),
		Timestamp: timestamp(s.Started), Properties: properties(run)}
	if s.Error != "" {
		out.Cases = append(out.Cases, testCase{Class: out.Name, Name: "(suite)", Time: "0",
			Error: result("infrastructure", s.Error)})
	}
	for _, f := range s.Features {
		out.Cases = append(out.Cases, caseOf(out.Name, f, run.ID))
	}
	return out
}

func caseOf(suite string, f report.Feature, id string) testCase {
	status, cause := f.Judged()
	c := testCase{Class: suite, Name: printable.Line(f.Name), Time: seconds(f.Took), SystemOut: systemOut(f, id)}
	switch status {
	case report.Fail:
		c.Failure = result("conformance", cause)
		c.Failure.Text = failures(f)
	case report.Error:
		c.Error = result("infrastructure", cause)
	case report.Inconclusive:
		c.Error = result("inconclusive", cause)
	case report.Skip:
		c.Skipped = &testResult{Message: printable.Short(cause, report.MaxCause)}
	}
	return c
}

// runSuite holds what belongs to no suite. The verdict is an error of its own
// only when nothing else in the document shows that the run is not good.
func runSuite(run report.Run, red bool) testSuite {
	out := testSuite{Name: "meshgate", Time: "0", Timestamp: timestamp(run.Started), Properties: properties(run)}
	for _, p := range run.Phases {
		c := testCase{Class: "meshgate", Name: "phase " + printable.Line(p.Name), Time: seconds(p.Took)}
		if p.Error != "" {
			c.Error, red = result("infrastructure", p.Error), true
		}
		out.Cases = append(out.Cases, c)
	}
	verdict := testCase{Class: "meshgate", Name: "verdict", Time: "0", SystemOut: block(run.Verdict.Sentence)}
	if run.Verdict.Exit != report.ExitPass && !red {
		verdict.Error = result(string(run.Verdict.Outcome), run.Verdict.Sentence)
	}
	out.Cases = append(out.Cases, verdict)
	return out
}

func result(kind, text string) *testResult {
	return &testResult{Type: kind, Message: printable.Short(text, report.MaxCause), Text: block(text)}
}

func properties(run report.Run) []property {
	var out []property
	for _, p := range []property{
		{"run", run.ID},
		{"meshgate.commit", run.Meshgate.Commit},
		{"cluster.provider", run.Facts.Cluster.Provider},
		{"kubernetes.version", run.Facts.Cluster.Kubernetes},
		{"mesh.flavour", run.Facts.Mesh.Flavour},
		{"mesh.version", run.Facts.Mesh.Version},
		{"mesh.revision", run.Facts.Mesh.Revision},
	} {
		if p.Value != "" {
			out = append(out, property{p.Name, printable.Line(p.Value)})
		}
	}
	return out
}

// failures is the text of every step that failed.
func failures(f report.Feature) string {
	var out []string
	for _, s := range f.Steps {
		if s.Failure != nil {
			out = append(out, s.Name+": "+s.Failure.Message)
		}
	}
	if w := wording.FirstWrongHop(f); w != "" {
		out = append(out, w)
	}
	return block(strings.Join(out, "\n"))
}

// systemOut tells the feature's story step by step, and where its evidence is.
func systemOut(f report.Feature, id string) string {
	var b strings.Builder
	for _, s := range f.Steps {
		fmt.Fprintf(&b, "%-12s %-7s %s (%s", s.Status, s.Kind, s.Name, s.Took)
		if s.Attempts > 1 {
			fmt.Fprintf(&b, ", %d attempts", s.Attempts)
		}
		if s.ConvergedAfter != nil {
			fmt.Fprintf(&b, ", converged after %s", *s.ConvergedAfter)
		}
		b.WriteString(")\n")
		for _, e := range s.Evidence {
			fmt.Fprintf(&b, "             evidence: %s\n", path.Join(id, e))
		}
	}
	return block(b.String())
}

// block makes a text of several lines printable and bounded, cut at a rune.
func block(s string) string {
	s = printable.Block(s)
	if len(s) <= maxText {
		return s
	}
	cut := strings.ToValidUTF8(s[:maxText], "")
	return cut + fmt.Sprintf("\n… %d more bytes: see %s", len(s)-len(cut), report.FileJSON)
}

func seconds(s report.Seconds) string {
	return strconv.FormatFloat(time.Duration(s).Seconds(), 'f', 3, 64)
}

// timestamp is without a zone, as the schema wants it; it is UTC.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05")
}
