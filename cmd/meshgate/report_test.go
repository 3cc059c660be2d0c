package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meshgate/framework/report"
	"meshgate/framework/report/diff"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// earlier leaves a run of one feature in the report directory of the call.
func (c *call) earlier(id string, status report.Status) string {
	c.t.Helper()
	at := time.Date(2026, 11, 21, 11, 36, 0, 0, time.UTC)
	step := report.Step{Name: "answers", Kind: report.Assertion, Status: status, Took: report.Seconds(time.Second)}
	if status != report.Pass {
		step.Failure = &report.Failure{Message: "503", Mismatches: []report.Mismatch{{Field: "status", Want: "200", Got: "503"}}}
	}
	run := report.Run{ID: id, Started: at, Ended: at.Add(time.Minute), Command: []string{"meshgate", "run"},
		Suites: []report.Suite{{Name: "s", Features: []report.Feature{{Name: "F", Status: status, Steps: []report.Step{step}}}}}}
	dir := filepath.Join(c.dir, "report")
	_, err := report.Write(dir, run)
	require.NoError(c.t, err)
	return filepath.Join(dir, id)
}

func TestReportShowPrintsAnEarlierRunAgain(t *testing.T) {
	u := newCall(t)
	red, green := u.earlier("red", report.Fail), u.earlier("green", report.Pass)
	for want, args := range map[string][]string{
		"pass (1 feature: 1 passed)":                                    {"report", "show"},
		"\npass (1 feature: 1 passed)":                                  {"report", "show", green},
		`fail: s/F: status: want "200", got "503" (1 feature: 1 failed`: {"report", "show", filepath.Join(red, "report.json")},
	} {
		code, out, told := u.says(args...)
		assert.Equal(t, report.ExitPass, code, told)
		assert.Contains(t, out, want)
	}
}

func TestReportDiffExitsWithOneOnlyIfBIsWorse(t *testing.T) {
	u := newCall(t)
	red, green := u.earlier("red", report.Fail), u.earlier("green", report.Pass)
	for name, c := range map[string]struct {
		a, b string
		code int
		want string
	}{
		"worse":  {green, red, report.ExitFail, "s/F was green and is fail"},
		"better": {red, green, report.ExitPass, "fail → pass"},
		"same":   {green, green, report.ExitPass, "nothing changed\n"},
	} {
		code, out, told := u.says("report", "diff", c.a, c.b)
		assert.Equal(t, c.code, code, name+told)
		assert.Contains(t, out, c.want, name)
		code, out, told = u.says("report", "diff", "--json", c.a, c.b)
		assert.Equal(t, c.code, code, name+told)
		var d diff.Diff
		require.NoError(t, json.Unmarshal([]byte(out), &d), name)
		assert.Equal(t, diff.Schema, d.SchemaVersion)
		assert.Equal(t, c.code == report.ExitFail, len(d.Worse) > 0, name)
	}
}

func TestAReportThatCannotBeReadIsNamedAndUsageIsUsage(t *testing.T) {
	u := newCall(t)
	green := u.earlier("green", report.Pass)
	whole, err := os.ReadFile(filepath.Join(green, "report.json"))
	require.NoError(t, err)
	cut := u.file("cut.json", string(whole[:100]))
	newer := u.file("newer.json", strings.Replace(string(whole), "report/v1", "report/v2", 1))
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"report", "diff", green, cut}, report.ExitInfrastructure, cut + ": cut off after 100 bytes"},
		{[]string{"report", "diff", newer, green}, report.ExitInfrastructure, newer + `: schema: want "meshgate.report/v1", got "meshgate.report/v2"`},
		{[]string{"report", "show", filepath.Join(u.dir, "gone")}, report.ExitInfrastructure, "name a run that there is"},
		{[]string{"report", "show", "--report", "empty"}, report.ExitInfrastructure, filepath.Join("empty", "latest")},
		{[]string{"report", "diff", green}, report.ExitUsage, "meshgate report diff: got 1 arguments: usage: meshgate report diff A B"},
		{[]string{"report", "show", green, green}, report.ExitUsage, "meshgate report show: got 2 arguments"},
		{[]string{"report", "dif"}, report.ExitUsage, `unknown command "dif": did you mean "diff"?`},
		{[]string{"report", "diff", "--jsn", green, green}, report.ExitUsage, "unknown flag --jsn"},
	} {
		code, out, told := u.says(c.args...)
		assert.Equal(t, c.code, code, c.args)
		assert.Contains(t, told, c.want)
		assert.Empty(t, out)
	}
	_, out, _ := u.says("report", "diff", "--help")
	assert.Contains(t, out, "Exit code 0 says that B is the same or better; 1 that it is worse")
}
