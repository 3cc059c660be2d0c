package report_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/report"
	"meshgate/framework/report/reporttest"
)

func TestWriteAndRead(t *testing.T) {
	dir := t.TempDir()
	run := reporttest.Sample()
	files, err := report.Write(dir, run, outputs()...)
	root := filepath.Join(dir, run.ID)
	require.ErrorContains(t, err, "no page of this run")
	assert.Equal(t, []string{filepath.Join(root, "report.json"), filepath.Join(root, "id.txt")}, files)
	text, err := os.ReadFile(filepath.Join(root, "id.txt"))
	require.NoError(t, err)
	assert.Equal(t, run.ID+" fail", string(text), "an output is made of the judged run")

	got, err := report.Read(filepath.Join(dir, "latest", "report.json"))
	require.NoError(t, err)
	assert.Equal(t, report.Schema, got.SchemaVersion)
	assert.Equal(t, report.OutcomeFail, got.Verdict.Outcome)
	got.SchemaVersion, got.Verdict = "", report.Verdict{}
	assert.JSONEq(t, encode(t, run), encode(t, got), "what was written reads back the same")
	assert.Equal(t, *run.Suites[0].Features[0].Steps[1].ConvergedAfter, *got.Suites[0].Features[0].Steps[1].ConvergedAfter)
}

// outputs are one that is written, one that has nothing to say, and one that fails.
func outputs() []report.Output {
	return []report.Output{
		{Name: "page.txt", Encode: func(report.Run) ([]byte, error) { return nil, errors.New("no page of this run") }},
		{Name: "id.txt", Encode: func(r report.Run) ([]byte, error) { return []byte(r.ID + " " + string(r.Verdict.Outcome)), nil }},
		{Name: "nothing.txt", Encode: func(report.Run) ([]byte, error) { return nil, nil }},
	}
}

func encode(t *testing.T, run report.Run) string {
	t.Helper()
	data, err := report.Encode(run)
	require.NoError(t, err)
	return string(data)
}

// TestManyProcessesOneRun is `go test ./suites/...`: each process writes at its
// start and at its end, at the same time as the others.
func TestManyProcessesOneRun(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			run := reporttest.Sample()
			run.Started = run.Started.Add(time.Duration(i) * time.Nanosecond)
			run.Suites[0].Name = fmt.Sprintf("suite-%d", i)
			begun := run
			begun.Ended, begun.Suites = time.Time{}, nil
			_, first := report.Write(dir, begun)
			_, second := report.Write(dir, run)
			errs[i] = fmt.Errorf("%w %w", first, second)
			if first == nil && second == nil {
				errs[i] = nil
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	got, err := report.Read(filepath.Join(dir, "latest", "report.json"))
	require.NoError(t, err)
	require.Len(t, got.Suites, 8)
	for i, s := range got.Suites {
		assert.Equal(t, fmt.Sprintf("suite-%d", i), s.Name, "in order of their start")
	}
	assert.Equal(t, 40, got.Verdict.Counts.Features)
	assert.Equal(t, 40, got.Selection.Offered)
	assert.Empty(t, got.Notes, "all saw the same facts")
	for _, p := range got.Phases {
		assert.Empty(t, p.Error)
	}
	leftTemporary(t, dir)
}

func leftTemporary(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if name := d.Name(); strings.HasPrefix(name, ".") && name != ".lock" {
			t.Errorf("temporary file left: %s", path)
		}
		return err
	}))
}

func TestProcessThatNeverEnded(t *testing.T) {
	dir := t.TempDir()
	passed := reporttest.RunOf(reporttest.Feature(report.Pass))
	passed.ID, passed.Started, passed.Ended = "r", reporttest.At(0), reporttest.At(1)
	crashed := report.Run{ID: "r", Started: reporttest.At(time.Second), Command: []string{"mongo-egress.test"}}
	for _, r := range []report.Run{passed, crashed} {
		_, err := report.Write(dir, r)
		require.NoError(t, err)
	}
	got, err := report.Read(filepath.Join(dir, "r", "report.json"))
	require.NoError(t, err)
	assert.Equal(t, report.OutcomeInfrastructure, got.Verdict.Outcome)
	assert.Contains(t, got.Verdict.Sentence, "run of mongo-egress.test: has not reported its end")
}

func TestEarlierRunsAreKept(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		run := reporttest.Sample()
		run.ID = fmt.Sprintf("run-%d", i)
		_, err := report.Write(dir, run)
		require.NoError(t, err)
		target, err := os.Readlink(filepath.Join(dir, "latest"))
		require.NoError(t, err)
		assert.Equal(t, run.ID, target)
	}
	for i := range 3 {
		assert.FileExists(t, filepath.Join(dir, fmt.Sprintf("run-%d", i), "report.json"))
	}
}

func TestWriteSaysWhatIsInTheWay(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := report.Write(filepath.Join(file, "report"), reporttest.Sample())
	require.ErrorContains(t, err, filepath.Join(file, "report"))
	require.ErrorContains(t, err, "choose another folder with --report")

	// A folder where the link belongs: the report is written, and the error says what is not.
	blocked := filepath.Join(dir, "blocked")
	require.NoError(t, os.MkdirAll(filepath.Join(blocked, "latest", "x"), 0o755))
	files, err := report.Write(blocked, reporttest.Sample())
	require.ErrorContains(t, err, filepath.Join(blocked, "latest"))
	assert.Len(t, files, 1)
	leftTemporary(t, blocked)

	run := reporttest.Sample()
	run.ID = "../escape"
	_, err = report.Write(dir, run)
	require.ErrorContains(t, err, "../escape")
	run = reporttest.Sample()
	run.Started = time.Time{}
	_, err = report.Write(dir, run)
	require.ErrorContains(t, err, "no start time")
}

func TestForeignPartIsNamed(t *testing.T) {
	dir := t.TempDir()
	run := reporttest.Sample()
	_, err := report.Write(dir, run)
	require.NoError(t, err)
	before, err := os.ReadFile(filepath.Join(dir, run.ID, "report.json"))
	require.NoError(t, err)
	alien := filepath.Join(dir, run.ID, "parts", "alien.json")
	require.NoError(t, os.WriteFile(alien, []byte(`{"schema":"meshgate.report/v9"}`), 0o600))
	_, err = report.Write(dir, run)
	require.ErrorContains(t, err, alien)
	require.ErrorContains(t, err, `want "meshgate.report/v1", got "meshgate.report/v9"`)
	after, err := os.ReadFile(filepath.Join(dir, run.ID, "report.json"))
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after), "an earlier report stays whole")
}

func TestHostileTextInJSON(t *testing.T) {
	data := encode(t, reporttest.Hostile())
	assert.Empty(t, reporttest.Unprintable(data, "\n"), "unprintable runes")
	got, err := report.Decode([]byte(data))
	require.NoError(t, err)
	want := strings.ToValidUTF8(reporttest.HostileText, "\uFFFD")
	assert.Equal(t, want, got.Suites[0].Features[0].Steps[0].Failure.Message, "nothing is lost by escaping")
	var observed string
	require.NoError(t, json.Unmarshal(got.Suites[0].Features[0].Steps[0].Failure.Observation, &observed))
	assert.Equal(t, "{"+want, observed, "an observation that is no JSON is kept as text")
}

func TestRedactedReachesEveryText(t *testing.T) {
	run := reporttest.Sample()
	run.Config["token"] = []any{map[string]any{"deep": "hunter2"}}
	run.Suites[0].Features[1].Steps[0].Failure.Observation = json.RawMessage(`{"hunter2":["a hunter2"],"n":12345678901234567890}`)
	run.Command = append(run.Command, "--password=hunter2")
	clean := run.Redacted(replacer{"hunter2", "redacted"})
	assert.NotContains(t, encode(t, clean), "hunter2")
	assert.Contains(t, encode(t, clean), "12345678901234567890", "numbers stay exact")
	assert.Contains(t, encode(t, run), "hunter2", "the original is untouched")
}

func TestReserve(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "report")
	id, err := report.Reserve(dir, "shared", reporttest.At(0))
	require.NoError(t, err)
	assert.Equal(t, "shared", id)
	_, err = report.Reserve(dir, "shared", reporttest.At(0))
	require.NoError(t, err, "shared by several processes")
	for _, bad := range []string{"..", ".hidden", "a/b", "latest", strings.Repeat("x", 101), "a b"} {
		_, err = report.Reserve(dir, bad, reporttest.At(0))
		require.Error(t, err, bad)
	}
	// This test's parent is `go test`, or else the ID is random: valid and sorted by time either way.
	id, err = report.Reserve(dir, "", reporttest.At(0))
	require.NoError(t, err)
	assert.Regexp(t, `^20261121-113600-[0-9a-z]{8}$`, id)
	require.NoError(t, report.ValidID(id))
}

func TestSecondsRoundTrip(t *testing.T) {
	for _, d := range []time.Duration{0, 1, 999, time.Millisecond, 1234567891 * time.Nanosecond, 90 * 24 * time.Hour, -time.Second} {
		data, err := json.Marshal(report.Seconds(d))
		require.NoError(t, err)
		var got report.Seconds
		require.NoError(t, json.Unmarshal(data, &got))
		assert.Equal(t, d, time.Duration(got), string(data))
	}
	var s report.Seconds
	require.ErrorContains(t, json.Unmarshal([]byte(`"3s"`), &s), "want a number")
	assert.Equal(t, "350 ms", report.Seconds(350*time.Millisecond).String())
	assert.Equal(t, "2.3 s", report.Seconds(2300*time.Millisecond).String())
	assert.Equal(t, "2 min 05 s", report.Seconds(125*time.Second).String())
}

// replacer is a redactor of one word.
type replacer struct{ old, new string }

func (r replacer) String(s string) string  { return strings.ReplaceAll(s, r.old, r.new) }
func (r replacer) JSON(data []byte) []byte { return []byte(r.String(string(data))) }
