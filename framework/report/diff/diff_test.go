package diff

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"meshgate/framework/report"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func step(name string, took time.Duration) report.Step {
	converged := report.Seconds(took / 2)
	return report.Step{Name: name, Kind: report.Assertion, Status: report.Pass, Took: report.Seconds(took), ConvergedAfter: &converged}
}

func failing(name, want, got string) report.Step {
	s := report.Step{Name: name, Kind: report.Assertion, Status: report.Fail, Took: report.Seconds(time.Minute)}
	s.Failure = &report.Failure{Message: "saw " + got, Mismatches: []report.Mismatch{{Field: "status", Want: want, Got: got}}}
	return s
}

func feature(name string, steps ...report.Step) report.Feature {
	f := report.Feature{Name: name, Status: report.Pass, Steps: steps}
	for _, s := range steps {
		if s.Status != report.Pass {
			f.Status = s.Status
		}
	}
	return f
}

func run(id string, features ...report.Feature) report.Run {
	at := time.Date(2026, 11, 21, 11, 36, 0, 0, time.UTC)
	return report.Run{ID: id, Started: at, Ended: at.Add(time.Minute), Suites: []report.Suite{{Name: "s", Features: features}}}
}

func names(places []Place) []string {
	var out []string
	for _, p := range places {
		out = append(out, p.String())
	}
	return out
}

func TestAFeatureThatWasGreenAndIsNotMakesItWorse(t *testing.T) {
	pass, fail := feature("F", step("sees", 1)), feature("F", failing("sees", "200", "503"))
	skip := report.Feature{Name: "F", Status: report.Skip, Reason: "no Tracing"}
	for name, c := range map[string]struct {
		a, b  report.Run
		worse bool
	}{
		"green, red":          {run("a", pass), run("b", fail), true},
		"green, skipped":      {run("a", pass), run("b", skip, feature("G", step("x", 1))), true},
		"red, green":          {run("a", fail), run("b", pass), false},
		"red, red":            {run("a", fail), run("b", fail), false},
		"skipped, red":        {run("a", skip, feature("G", step("x", 1))), run("b", fail, feature("G", step("x", 1))), true},
		"new and red":         {run("a", feature("G", step("x", 1))), run("b", feature("G", step("x", 1)), fail), true},
		"red, one more red":   {run("a", fail), run("b", fail, feature("G", failing("x", "1", "2"))), false},
		"green, gone":         {run("a", pass, feature("G", step("x", 1))), run("b", feature("G", step("x", 1))), true},
		"red, gone":           {run("a", fail, feature("G", step("x", 1))), run("b", feature("G", step("x", 1))), false},
		"green, phase broken": {run("a", pass), broke(run("b", pass)), true},
	} {
		assert.Equal(t, c.worse, len(Compare(c.a, c.b).Worse) > 0, name)
	}
}

func broke(r report.Run) report.Run {
	r.Phases = []report.Phase{{Name: "cleanup", Error: "objects left"}}
	return r
}

func TestWhatARunWasToldToLeaveOutIsNotLost(t *testing.T) {
	a := run("a", feature("F", step("x", 1)), feature("G", step("x", 1)))
	for name, sel := range map[string]report.Selection{
		"feature": {Feature: "^F$"}, "suite": {Suites: []string{"other"}}, "labels": {Labels: map[string]string{"a": "b"}},
	} {
		b := run("b", feature("F", step("x", 1)))
		b.Selection = sel
		d := Compare(a, b)
		assert.Equal(t, []string{"s/G"}, names(d.Went), name)
		assert.Empty(t, d.Worse, name)
		assert.Contains(t, strings.Join(d.Notes, "\n"), "narrowed differently", name)
	}
}

func TestStepsComeAndGoButNotThoseBehindAFailure(t *testing.T) {
	was := run("a", feature("F", step("one", 1), step("two", 1), step("three", 1)))
	d := Compare(was, run("b", feature("F", step("one", 1), step("three", 1), step("four", 1))))
	assert.Equal(t, []string{"s/F: two"}, names(d.Went))
	assert.Equal(t, []string{"s/F: four"}, names(d.Came))

	d = Compare(was, run("b", feature("F", failing("one", "200", "503"))))
	assert.Empty(t, d.Went, "two and three were not reached")
	assert.Equal(t, []Failure{{Place{Suite: "s", Feature: "F", Step: "one"}, nil, &report.Mismatch{Field: "status", Want: "200", Got: "503"}}}, d.Failures)

	cleanup := report.Step{Name: "cleanup", Kind: report.Cleanup, Status: report.Error, Failure: &report.Failure{Message: "left behind"}}
	d = Compare(run("a", feature("F", step("one", 1), cleanup)), run("b", feature("F", step("one", 1))))
	assert.Empty(t, d.Went, "a cleanup is only told of when it failed")
	require.Len(t, d.Failures, 1)
	assert.Equal(t, "left behind", d.Failures[0].Was.Got)
}

func TestMismatchesThatChangedAreToldByField(t *testing.T) {
	a, b := failing("x", "200", "503"), failing("x", "200", "404")
	a.Failure.Mismatches = append(a.Failure.Mismatches, report.Mismatch{Field: "body", Want: "w", Got: "g"})
	b.Failure.Mismatches = append(b.Failure.Mismatches, report.Mismatch{Field: "body", Want: "w", Got: "g"}, report.Mismatch{Field: "via", Want: "egress"})
	d := Compare(run("a", feature("F", a)), run("b", feature("F", b)))
	require.Len(t, d.Failures, 2, "body is as it was")
	assert.Equal(t, "503", d.Failures[0].Was.Got)
	assert.Equal(t, "404", d.Failures[0].Is.Got)
	assert.Nil(t, d.Failures[1].Was)
	assert.Equal(t, "via", d.Failures[1].Is.Field)
	assert.Empty(t, d.Features, "red as before")
}

func TestEqualNamesAreKeptApart(t *testing.T) {
	a := run("a", feature("F", step("x", 1)), feature("F", step("x", 1)))
	b := run("b", feature("F", step("x", 1)), feature("F", failing("x", "1", "2")))
	d := Compare(a, b)
	require.Len(t, d.Features, 1)
	assert.Equal(t, "s/F (#2)", d.Features[0].String())
}

func TestFactsThatChanged(t *testing.T) {
	a, b := run("a"), run("b")
	entry := report.BundleEntry{Component: "istio", Kind: "image", Name: "istio/proxyv2:1.31.1", Version: "1.31.1", Digest: "sha256:0123456789abcdef0123"}
	a.Facts = report.Facts{Mesh: report.MeshFacts{Flavour: "istio", Version: "1.31.1"}, Cluster: report.ClusterFacts{Kubernetes: "v1.36.3", Name: "one"},
		Capabilities: []report.Capability{{Name: "Tracing", Present: true}}, Bundle: report.BundleFacts{Entries: []report.BundleEntry{entry}}}
	b.Facts = a.Facts
	b.Facts.Mesh.Version, b.Facts.Cluster.Name = "1.22.8", "another"
	b.Facts.Capabilities = []report.Capability{{Name: "Tracing", Reason: "no collector"}}
	entry.Version, entry.Name, entry.Contains = "1.22.8", "istio/proxyv2:1.22.8", "upstream Envoy"
	b.Facts.Bundle.Entries = []report.BundleEntry{entry, {Component: "new", Kind: "chart", Name: "base"}}
	assert.Equal(t, []Change{
		{"mesh version", "1.31.1", "1.22.8"},
		{"capability Tracing", "present", "absent: no collector"},
		{"bundle istio image istio/proxyv2", "1.31.1 sha256:0123456789ab", "1.22.8 sha256:0123456789ab (upstream Envoy)"},
	}, Compare(a, b).Facts[:3])
	assert.Empty(t, Compare(a, a).Facts)
}

// timedRun is one suite with so many steps, each taking about a second times factor.
func timedRun(id string, steps int, factor float64) report.Run {
	var all []report.Step
	for i := range steps {
		wobble := 1 + 0.01*float64(i%7)
		all = append(all, step(fmt.Sprintf("step %d", i), time.Duration(factor*wobble*float64(time.Second))))
	}
	return run(id, feature("F", all...))
}

func TestAShiftOfAllStepsIsMoreThanNoiseAndThatOfAFewIsNot(t *testing.T) {
	slower := Compare(timedRun("a", 20, 1), timedRun("b", 20, 2)).Times.Suites
	require.Len(t, slower, 2, "took and converged")
	assert.False(t, slower[0].Noise)
	assert.InDelta(t, 2, slower[0].Ratio, 1e-6)
	assert.Equal(t, 20, slower[0].Steps)
	assert.Contains(t, slower[0].words(), "slower")

	for n := 1; n <= 5; n++ {
		few := Compare(timedRun("a", n, 1), timedRun("b", n, 1000)).Times.Suites
		assert.True(t, few[0].Noise, "%d pairs prove nothing, however far they are apart", n)
	}

	a, b := timedRun("a", 20, 1), timedRun("b", 20, 1)
	for i := range b.Suites[0].Features[0].Steps {
		if i%2 == 0 {
			b.Suites[0].Features[0].Steps[i].Took *= 3
		} else {
			b.Suites[0].Features[0].Steps[i].Took /= 3
		}
	}
	assert.True(t, Compare(a, b).Times.Suites[0].Noise, "as many faster as slower")
}

func TestOnlyStepsThatPassedAreTimed(t *testing.T) {
	a := run("a", feature("F", step("x", time.Second), step("y", time.Second)))
	b := run("b", feature("F", step("x", time.Second), failing("y", "1", "2")))
	for _, p := range Compare(a, b).Times.Steps {
		assert.Equal(t, "x", p.Step, "a deadline that was run into is no time of the mesh")
	}
}

func soaked(id string, runs int, least, most time.Duration) report.Run {
	r := run(id, feature("F", step("x", least)))
	spread := report.Spread{Least: report.Seconds(least), Median: report.Seconds(least), P90: report.Seconds(most), Most: report.Seconds(most)}
	r.Soak = &report.Soak{Runs: runs, Steps: []report.StepRuns{{Suite: "s", Feature: "F", Step: "x", Runs: runs, Took: spread}}}
	return r
}

func TestSoaksThatDoNotOverlapAreToldApartIfThereAreEnoughRuns(t *testing.T) {
	short, long := soaked("a", 10, time.Second, 2*time.Second), soaked("b", 10, 3*time.Second, 4*time.Second)
	require.Len(t, Compare(short, long).Times.Soaks, 1)
	assert.InDelta(t, 2.0/184756, Compare(short, long).Times.Soaks[0].P, 1e-12)
	assert.Empty(t, Compare(short, soaked("b", 10, 2*time.Second, 4*time.Second)).Times.Soaks, "they touch")
	assert.Empty(t, Compare(soaked("a", 3, 1, 2), soaked("b", 3, 3, 4)).Times.Soaks, "three runs each are too few")
	assert.Empty(t, Compare(short, run("b", feature("F", step("x", time.Minute)))).Times.Soaks, "one of them is no soak")
	flaky := soaked("b", 10, 3*time.Second, 4*time.Second)
	flaky.Soak.Steps[0].Failures = 1
	assert.Empty(t, Compare(short, flaky).Times.Soaks, "among its times are deadlines")
}

func shown(t *testing.T, d Diff) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, Show(&b, d))
	return b.String()
}

func TestTheSameRunTwiceSaysThatNothingChanged(t *testing.T) {
	r := timedRun("a", 20, 1)
	d := Compare(r, r)
	assert.Empty(t, d.Worse)
	assert.True(t, d.Nothing())
	text := shown(t, d)
	assert.Contains(t, text, "note: A and B are the same run\nnothing changed\nB is the same or better\n")
	assert.NotContains(t, text, "times")
}

func TestShowSaysWhatTestAndWhatLevel(t *testing.T) {
	text := shown(t, Compare(timedRun("a", 20, 1), timedRun("b", 20, 2)))
	for _, want := range []string{"nothing changed but times", "signed-rank", "Holm", "level 5 %", "the run was slower (p = ", "one value each: not tested", "the runs differ, not that the mesh does"} {
		assert.Contains(t, text, want)
	}
	text = shown(t, Compare(run("a", feature("F", step("x", 1))), run("b", feature("F", failing("x", "200", "503")))))
	for _, want := range []string{"verdict: pass → fail", "s/F  pass → fail  status: want \"200\", got \"503\"", "B is worse:\n  s/F was green and is fail"} {
		assert.Contains(t, text, want)
	}
}

func TestNothingOfAReportReachesTheTerminalUnescaped(t *testing.T) {
	const hostile = "\x1b[2J\nB is the same or better\t\u202e"
	b := run("b"+hostile, feature("F"+hostile, failing("x"+hostile, hostile, hostile)))
	b.Facts.Mesh.Version, b.Phases = hostile, []report.Phase{{Name: hostile, Error: hostile}}
	d := Compare(run("a", feature("F", step("x", 1))), b)
	for _, r := range shown(t, d) {
		assert.True(t, r == '\n' || unicode.IsPrint(r), "%q", r)
	}
	assert.NotContains(t, shown(t, d), "\nB is the same or better")
	data, err := Encode(d)
	require.NoError(t, err)
	var back Diff
	require.NoError(t, json.Unmarshal(data, &back))
	assert.Equal(t, d.Facts, back.Facts)
	assert.NotContains(t, string(data), "\x1b")
}

func TestTheDocumentHasNoNullLists(t *testing.T) {
	data, err := Encode(Compare(run("a"), run("a")))
	require.NoError(t, err)
	for _, list := range []string{"worse", "features", "came", "went", "failures", "broken", "facts", "notes", "suites", "steps"} {
		assert.NotContains(t, string(data), fmt.Sprintf("%q: null", list))
	}
}

func TestALongSectionSaysHowMuchIsLeftOut(t *testing.T) {
	var was, is []report.Feature
	for i := range maxRows + 3 {
		was = append(was, feature(fmt.Sprintf("F%d", i), step("x", 1)))
		is = append(is, feature(fmt.Sprintf("F%d", i), failing("x", "1", "2")))
	}
	text := shown(t, Compare(run("a", was...), run("b", is...)))
	assert.Equal(t, 2, strings.Count(text, "… 3 more: --json has all"), "status and failures")
	assert.Equal(t, 1, strings.Count(text, "… 4 more: --json has all"), "worse has the verdict too")
}
