package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meshgate/framework/report"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatCannotBeReplayedIsSaidBeforeAnythingIsBegun(t *testing.T) {
	u := newCall(t)
	red := u.earlier("red", report.Fail)
	green := u.earlier("green", report.Pass) // the latest
	whole, err := os.ReadFile(filepath.Join(red, report.FileJSON))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no report":         {[]string{"gone", "F"}, report.ExitInfrastructure, "name a run that there is, or make one with `meshgate run`"},
		"truncated":         {[]string{u.file("half.json", string(whole[:len(whole)/2])), "F"}, report.ExitInfrastructure, "cut off after"},
		"newer":             {[]string{u.file("new.json", strings.Replace(string(whole), "report/v1", "report/v2", 1)), "F"}, report.ExitInfrastructure, `want "meshgate.report/v1", got "meshgate.report/v2"`},
		"no such feature":   {[]string{red, "G"}, report.ExitUsage, `feature "G" is not in run red, which has s/F`},
		"passed":            {[]string{green, "s/F"}, report.ExitUsage, "s/F did not fail in run green: it passed"},
		"latest":            {[]string{filepath.Dir(red), "F"}, report.ExitUsage, "in run green"},
		"not in this build": {[]string{red, "F"}, report.ExitInfrastructure, "run red asked suite s, which this meshgate does not have"},
		"arguments":         {[]string{red}, report.ExitUsage, "meshgate replay: got 1 arguments: usage: meshgate replay REPORT FEATURE"},
		"setting":           {[]string{red, "F", "--hold=1y"}, report.ExitUsage, "run.hold: want a duration up to 24h"},
	} {
		code, _, told := u.says(append([]string{"replay"}, c.args...)...)
		assert.Equal(t, c.code, code, name)
		assert.Contains(t, told, c.want, name)
	}
	assert.NoDirExists(t, filepath.Join(u.dir, "cache"))
	latest, _, err := report.Open(filepath.Dir(red))
	require.NoError(t, err)
	assert.Equal(t, "green", latest.ID, "a replay is no run")
}
