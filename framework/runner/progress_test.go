package runner

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshgate/framework/progress"
	"meshgate/framework/report"

	"github.com/stretchr/testify/assert"
)

// shown is the progress on a log of lines.
func shown(steps bool) (*suiteProgress, *strings.Builder) {
	var b strings.Builder
	log := progress.Plain(&b)
	return &suiteProgress{name: "s", log: log, lines: progress.Lines(log), steps: steps, of: 3}, &b
}

func ended(name string, s report.Step) report.Feature {
	f := report.Feature{Name: name, Status: s.Status, Took: s.Took, Steps: []report.Step{s}}
	if s.Failure != nil {
		f.Reason = s.Failure.Message
	}
	return f
}

func TestALaneTellsWhatBecameOfEachFeatureAndWhatTakesLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, said := shown(false)
		slow := l.running("Slow", "answers")
		given := l.running("Red", "given")
		<-time.After(3 * time.Second)
		given()
		red := report.Step{Name: "see", Kind: report.Assertion, Status: report.Fail, Took: report.Seconds(3 * time.Second), Failure: failureOf(errMesh, nil)}
		red.Failure.Message += "\nand more"
		l.step("Red", red)
		l.feature("Red", ended("Red", red))
		see := l.running("Green", "see")
		<-time.After(9 * time.Second)
		see()
		green := report.Step{Name: "see", Kind: report.Assertion, Status: report.Pass, Took: report.Seconds(3200 * time.Millisecond)}
		l.feature("Green", ended("Green", green))
		slow()
		l.feature("Slow", report.Feature{Name: "Slow", Status: report.Skip, Reason: "no tracing"})
		l.end()
		assert.Equal(t, `2000-01-01T00:00:00Z s: begins
2000-01-01T00:00:03Z s: Red fail: status: want "200", got "404"
2000-01-01T00:00:10Z s: 1 of 3, 1 failed: still waiting for Slow: answers (10 s); and 1 more
2000-01-01T00:00:12Z s: Green pass in 3.2 s
2000-01-01T00:00:12Z s: Slow skip: no tracing
2000-01-01T00:00:12Z s: 3 of 3, 1 failed, 1 skipped: done in 12 s
`, said.String())
	})
}

func TestALaneTellsOfStepsIfAskedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, said := shown(true)
		l.begin()
		l.step("Red", report.Step{Name: "given", Status: report.Pass, Took: report.Seconds(time.Second)})
		l.step("Red", report.Step{Name: "see", Status: report.Fail, Failure: failureOf(errMesh, nil)})
		l.end()
		assert.Contains(t, said.String(), "Z s: Red: given pass in 1.0 s\n")
		assert.Contains(t, said.String(), `Z s: Red: see fail: status: want "200", got "404"`+"\n")
	})
}

func TestALaneOfNothingIsNotShown(t *testing.T) {
	l, said := shown(true)
	l.end()
	assert.Empty(t, said.String())
}
