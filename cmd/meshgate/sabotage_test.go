package main

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"meshgate/framework/config"
	"meshgate/framework/report"
	"meshgate/framework/suite"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func sorted(wrong map[string]*suite.Sabotage) []string { return slices.Sorted(maps.Keys(wrong)) }

func offered() []suite.Suite {
	feature := func(name string, labels map[string]string) suite.Feature {
		return suite.Feature{Name: name, Labels: labels, Sabotage: []suite.Sabotage{
			suite.Withhold("Gateway", "first", "status"), suite.Withhold("Gateway", "second", "status")}}
	}
	return []suite.Suite{
		{Name: "one", Features: []suite.Feature{feature("A", nil), feature("B", map[string]string{"size": "big"}), feature("C", nil)}},
		{Name: "two", Features: []suite.Feature{feature("A", nil)}},
	}
}

func TestEachFeatureIsSabotagedInOneOfTwoRounds(t *testing.T) {
	first, err := chosen(offered(), config.Run{}, 0, 0)
	require.NoError(t, err)
	second, err := chosen(offered(), config.Run{}, 1, 7)
	require.NoError(t, err)
	assert.Equal(t, []string{"one/A", "one/C", "two/A"}, sorted(first))
	assert.Equal(t, []string{"one/B"}, sorted(second))
	assert.Equal(t, "without Gateway first", first["one/A"].Name)
	assert.Equal(t, "without Gateway second", second["one/B"].Name, "a feature with fewer takes its last")
}

func TestOnlyWhatTheRunSelectsIsSabotaged(t *testing.T) {
	for want, run := range map[string]config.Run{
		"one/C": {Feature: "^C$"},
		"two/A": {Labels: map[string]string{"suite": "two"}},
		"":      {Labels: map[string]string{"size": "small"}},
	} {
		got, err := chosen(offered(), run, 0, 0)
		require.NoError(t, err)
		if want == "" {
			assert.Empty(t, got)
			continue
		}
		assert.Equal(t, []string{want}, sorted(got))
	}
	got, err := chosen(offered(), config.Run{Labels: map[string]string{"size": "big"}}, 1, 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"one/B"}, sorted(got))
}

func TestTheMatrixIsTheExitCode(t *testing.T) {
	for name, c := range map[string]struct {
		kills []suite.Kill
		exit  int
		says  string
	}{
		"all as declared": {[]suite.Kill{{Feature: "A", OK: true}, {Feature: "B", OK: true}}, report.ExitPass, "all 2 are as declared"},
		"one survived":    {[]suite.Kill{{Feature: "A", OK: true}, {Feature: "B", Got: "pass"}}, report.ExitFail, "1 of 2 are not as declared"},
		"nothing ran":     {nil, report.ExitInconclusive, "nothing was sabotaged"},
	} {
		var out bytes.Buffer
		a := &app{out: &out}
		require.NoError(t, a.matrix(c.kills))
		assert.Equal(t, c.exit, a.exit, name)
		assert.Contains(t, out.String(), c.says, name)
	}
}
