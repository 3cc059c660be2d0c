package junit_test

import (
	"encoding/xml"
	"flag"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/manifest/goldentest"
	"meshgate/framework/report"
	"meshgate/framework/report/render/junit"
	"meshgate/framework/report/reporttest"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestGolden(t *testing.T) {
	data, err := junit.Render(reporttest.Judged())
	require.NoError(t, err)
	require.NoError(t, goldentest.Compare("testdata/junit.xml", data, *update))
}

// document is read with a parser that knows nothing of our types.
type document struct {
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

func read(t *testing.T, run report.Run) document {
	t.Helper()
	run.Verdict = report.Judge(run, run.RequireFull)
	data, err := junit.Render(run)
	require.NoError(t, err)
	assert.Empty(t, reporttest.Unprintable(string(data), "\n\t"), "unprintable runes")
	var doc document
	require.NoError(t, xml.Unmarshal(data, &doc))
	return doc
}

// TestJUnitIsRedWhenTheRunIsNot a pass: a CI server judges by these counts alone.
func TestJUnitIsRedWhenTheRunIsNotGood(t *testing.T) {
	full := reporttest.RunOf(reporttest.Feature(report.Pass), reporttest.Feature(report.Skip))
	full.RequireFull = true
	brokenSuite := reporttest.RunOf(reporttest.Feature(report.Pass))
	brokenSuite.Suites[0].Error = "objects left"
	for name, c := range map[string]struct {
		run report.Run
		red int
	}{
		"pass":          {reporttest.RunOf(reporttest.Feature(report.Pass)), 0},
		"partial":       {reporttest.RunOf(reporttest.Feature(report.Pass), reporttest.Feature(report.Skip)), 0},
		"partial, full": {full, 1},
		"fail":          {reporttest.RunOf(reporttest.Feature(report.Fail), reporttest.Feature(report.Pass)), 1},
		"error":         {reporttest.RunOf(reporttest.Feature(report.Error)), 1},
		"inconclusive":  {reporttest.RunOf(reporttest.Feature(report.Inconclusive)), 1},
		"nothing ran":   {report.Run{}, 1},
		"phase":         {report.Run{Phases: []report.Phase{{Name: "cluster", Error: "no"}}}, 1},
		"suite":         {brokenSuite, 1},
		"interrupted":   {report.Run{Interrupted: "SIGINT", Suites: reporttest.RunOf(reporttest.Feature(report.Pass)).Suites}, 1},
	} {
		doc := read(t, c.run)
		assert.Equal(t, c.red, doc.Failures+doc.Errors, name)
		assert.Positive(t, doc.Tests, "%s: an empty document looks like a pass", name)
	}
}

func TestJUnitIsBounded(t *testing.T) {
	run := reporttest.Sample()
	run.Suites[0].Features[1].Steps[0].Failure.Message = strings.Repeat("ä", 1<<20)
	doc := read(t, run)
	text := *doc.Suites[0].Cases[1].Failure
	assert.Less(t, len(text), 17<<10)
	assert.Contains(t, text, "more bytes: see report.json")
}

func TestHostileTextInJUnit(t *testing.T) {
	doc := read(t, reporttest.Hostile())
	assert.Contains(t, *doc.Suites[0].Cases[1].Failure, `\x1b[2J`)
}
