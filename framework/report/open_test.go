package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/report"
	"meshgate/framework/report/reporttest"
)

func TestOpenTakesAFileARunsFolderOrAReportDirectory(t *testing.T) {
	dir := t.TempDir()
	_, err := report.Write(dir, reporttest.Sample())
	require.NoError(t, err)
	folder := filepath.Join(dir, reporttest.Sample().ID)
	for _, path := range []string{dir, folder, filepath.Join(folder, "report.json"), filepath.Join(dir, "latest")} {
		run, file, err := report.Open(path)
		require.NoError(t, err, path)
		assert.Equal(t, reporttest.Sample().ID, run.ID, path)
		assert.Equal(t, "report.json", filepath.Base(file), path)
	}
}

func TestWhatIsNoReportIsNamedWithWhatToDo(t *testing.T) {
	whole := encode(t, reporttest.Judged())
	for name, c := range map[string]struct {
		content string
		want    []string
	}{
		"truncated":     {whole[:len(whole)/2], []string{"cut off after", "copy it again"}},
		"cut by a byte": {strings.TrimRight(whole, "\n}"), []string{"cut off after"}},
		"empty":         {"", []string{"it is empty", "name another file"}},
		"not JSON":      {"<html>", []string{"not JSON, byte 1", "name the report.json of a run"}},
		"two documents": {whole + whole, []string{"not JSON, byte "}},
		"another JSON":  {`{"a":1}`, []string{"it names no schema", `"meshgate.report/v1"`}},
		"a list":        {`[]`, []string{"not a report of meshgate", "name the report.json of a run"}},
		"newer":         {strings.Replace(whole, "report/v1", "report/v2", 1), []string{`want "meshgate.report/v1", got "meshgate.report/v2"`, "use the one that wrote it, or a newer one"}},
		"a wrong type":  {strings.Replace(whole, `"requireFull": false`, `"requireFull": "no"`, 1), []string{"not a valid meshgate.report/v1 document"}},
	} {
		file := filepath.Join(t.TempDir(), "report.json")
		require.NoError(t, os.WriteFile(file, []byte(c.content), 0o600))
		_, _, err := report.Open(file)
		for _, want := range append(c.want, file) {
			assert.ErrorContains(t, err, want, name)
		}
	}
}

func TestWhatCannotBeReadIsNamedWithWhatToDo(t *testing.T) {
	dir := t.TempDir()
	_, _, err := report.Open(dir)
	require.ErrorContains(t, err, dir+" holds neither report.json nor latest/report.json")
	require.ErrorContains(t, err, "name a run's folder")

	gone := filepath.Join(dir, "gone")
	_, _, err = report.Open(gone)
	require.ErrorContains(t, err, "cannot read "+gone)
	require.ErrorContains(t, err, "name a run that there is")

	// A link that leads to itself cannot be read even by root.
	loop := filepath.Join(dir, "report.json")
	require.NoError(t, os.Symlink("report.json", loop))
	_, _, err = report.Open(dir)
	require.ErrorContains(t, err, "cannot read "+loop)

	if os.Geteuid() != 0 {
		shut := filepath.Join(dir, "shut.json")
		require.NoError(t, os.WriteFile(shut, nil, 0))
		_, _, err = report.Open(shut)
		require.ErrorContains(t, err, "cannot read "+shut)
		require.ErrorContains(t, err, "ask its owner")
	}
}
