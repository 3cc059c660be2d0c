package defect

import (
	"errors"
	"strings"
	"testing"

	"meshgate/framework/report"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func replace(t *testing.T, text, from, to string) string {
	t.Helper()
	require.Contains(t, text, from)
	return strings.Replace(text, from, to, 1)
}

func found(status report.Status, step, field string) []report.Suite {
	s := report.Step{Name: step, Kind: report.Assertion, Status: status}
	if status == report.Fail {
		s.Failure = &report.Failure{Message: "what was seen", Mismatches: []report.Mismatch{{Field: field, Want: "1", Got: "2"}}}
	}
	return []report.Suite{{Name: "s", Features: []report.Feature{{Name: "F", Status: status, Steps: []report.Step{s}}}}}
}

func TestMatrixCountsAKillOnlyWhenTheDefectWasInEffect(t *testing.T) {
	d := Defect{Name: "bad", Sees: []Seen{{Feature: "s/F", Step: "see", Field: "status"}}}
	shown, hidden := func(Defect) error { return nil }, func(Defect) error { return errors.New("no marker") }
	for name, c := range map[string]struct {
		found   []report.Suite
		missing func(Defect) error
		want    report.KillOutcome
	}{
		"killed":           {found(report.Fail, "see", "status"), shown, report.Killed},
		"survived":         {found(report.Pass, "see", ""), shown, report.Survived},
		"wrong field":      {found(report.Fail, "see", "body"), shown, report.WrongReason},
		"red, no effect":   {found(report.Fail, "see", "status"), hidden, report.NotShown},
		"green, no effect": {found(report.Pass, "see", ""), hidden, report.NotShown},
		"not featuresOf":   {nil, shown, report.NotShown},
	} {
		kills := matrix([]Defect{d}, c.found, c.missing)
		require.Len(t, kills, 1, name)
		assert.Equal(t, c.want, kills[0].Outcome, name)
		assert.Equal(t, report.Defective, kills[0].By)
	}
	assert.Empty(t, matrix([]Defect{d}, found(report.Skip, "see", ""), shown), "a skipped feature has no cell")
}

func TestMergedMeshConfigIsMergedMapByMap(t *testing.T) {
	got, err := merged("accessLogFile: /dev/stdout\noutboundTrafficPolicy:\n  mode: REGISTRY_ONLY\nrootNamespace: istio-system\n",
		map[string]any{"outboundTrafficPolicy": map[string]any{"mode": "ALLOW_ANY"}, "accessLogFile": ""})
	require.NoError(t, err)
	assert.YAMLEq(t, "accessLogFile: \"\"\noutboundTrafficPolicy: {mode: ALLOW_ANY}\nrootNamespace: istio-system\n", got)
}

func TestInEffectIgnoresConfigurationThatEnvoyRejected(t *testing.T) {
	for dump, want := range map[string]bool{
		`{"configs":[{"active_state":{"listener":{"stat_prefix":"meshgate-defect-bad"}}}]}`:     true,
		`{"configs":[{"metadata":{"meshgate-defect-bad":{}}}]}`:                                 true,
		`{"configs":[{"error_state":{"failed_configuration":{"name":"meshgate-defect-bad"}}}]}`: false,
		`{"configs":[{"active_state":{"listener":{"stat_prefix":"meshgate-defect-good"}}}]}`:    false,
	} {
		got, err := inEffect([]byte(dump), "meshgate-defect-bad")
		require.NoError(t, err)
		assert.Equal(t, want, got, dump)
	}
}
