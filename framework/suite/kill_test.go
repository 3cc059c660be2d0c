package suite

import (
	"testing"

	"meshgate/framework/manifest"
	"meshgate/framework/report"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func feature(name string, status report.Status, fields ...string) report.Feature {
	step := report.Step{Name: "see", Kind: report.Then, Status: status}
	if status != report.Pass {
		step.Failure = &report.Failure{Message: "what was seen"}
		for _, f := range fields {
			step.Failure.Mismatches = append(step.Failure.Mismatches, report.Mismatch{Field: f, Want: "1", Got: "2"})
		}
	}
	return report.Feature{Name: name, Status: status, Steps: []report.Step{step}}
}

func TestAKillIsItsOwnFeatureRedForTheDeclaredReason(t *testing.T) {
	wrong := Withhold("Gateway", "g", "status")
	for name, c := range map[string]struct {
		feature  report.Feature
		sabotage *Sabotage
		want     Kill
	}{
		"killed":            {feature("F", report.Fail, "status"), &wrong, Kill{"F", wrong.Name, "status", "status: want 1, got 2", true}},
		"killed among more": {feature("F", report.Fail, "body", "status"), &wrong, Kill{"F", wrong.Name, "status", "status: want 1, got 2", true}},
		"survived":          {feature("F", report.Pass), &wrong, Kill{"F", wrong.Name, "status", "pass", false}},
		"wrong reason":      {feature("F", report.Fail, "body"), &wrong, Kill{"F", wrong.Name, "status", "body: want 1, got 2", false}},
		"broke instead":     {feature("F", report.Error), &wrong, Kill{"F", wrong.Name, "status", "error: see: what was seen", false}},
		"error, right word": {feature("F", report.Error, "status"), &wrong, Kill{"F", wrong.Name, "status", "status: want 1, got 2", false}},
		"left right, green": {feature("F", report.Pass), nil, Kill{"F", "", "green", "pass", true}},
		"collateral":        {feature("F", report.Fail, "status"), nil, Kill{"F", "", "green", `fail: status: want "1", got "2"`, false}},
	} {
		t.Run(name, func(t *testing.T) {
			run := report.Run{Suites: []report.Suite{{Name: "s", Features: []report.Feature{c.feature}}}}
			chosen := map[string]*Sabotage{}
			if c.sabotage != nil {
				chosen[Key("s", "F")] = c.sabotage
			}
			assert.Equal(t, []Kill{c.want}, Kills(run, chosen))
		})
	}
}

func TestASabotagedFeatureThatDidNotRunIsNoKill(t *testing.T) {
	a, b := Withhold("Gateway", "a", "status"), Withhold("Gateway", "b", "body")
	kills := Kills(report.Run{}, map[string]*Sabotage{Key("s", "B"): &b, Key("s", "A"): &a})
	assert.Equal(t, []Kill{
		{"A", a.Name, "status", "the feature did not run", false},
		{"B", b.Name, "body", "the feature did not run", false},
	}, kills)
}

func TestASkippedFeatureIsLeftOut(t *testing.T) {
	a := Withhold("Gateway", "a", "status")
	run := report.Run{Suites: []report.Suite{{Name: "s", Features: []report.Feature{feature("A", report.Skip), feature("B", report.Skip)}}}}
	assert.Empty(t, Kills(run, map[string]*Sabotage{Key("s", "A"): &a}))
}

func TestFeaturesOfTheSameNameInTwoSuitesDoNotMeet(t *testing.T) {
	a := Withhold("Gateway", "a", "status")
	run := report.Run{Suites: []report.Suite{
		{Name: "one", Features: []report.Feature{feature("F", report.Fail, "status")}},
		{Name: "two", Features: []report.Feature{feature("F", report.Pass)}},
	}}
	for _, k := range Kills(run, map[string]*Sabotage{Key("one", "F"): &a}) {
		assert.True(t, k.OK, k)
	}
}

func TestSabotageChangesItsTargetAndNothingElse(t *testing.T) {
	objs := func() []*unstructured.Unstructured {
		return manifest.NewSet(manifest.ConfigMap("bookinfo", "a", map[string]string{"key": "right"}), manifest.ConfigMap("bookinfo", "b", nil)).Objects()
	}
	without := Withhold("ConfigMap", "a", "status")
	assert.Equal(t, "without ConfigMap a", without.Name)
	left, err := without.apply(objs())
	require.NoError(t, err)
	require.Len(t, left, 1)
	assert.Equal(t, "b", left[0].GetName())

	wrong := Replace("ConfigMap", "a", "status", "wrong", "data", "key")
	assert.Equal(t, "ConfigMap a with data.key = wrong", wrong.Name)
	edited, err := wrong.apply(objs())
	require.NoError(t, err)
	require.Len(t, edited, 2)
	assert.Equal(t, map[string]any{"key": "wrong"}, edited[0].Object["data"])
	assert.Equal(t, objs()[1], edited[1])
}

func TestSabotageWithoutATargetIsAnErrorAndNeitherKilledNorSurvived(t *testing.T) {
	objs := manifest.NewSet(manifest.ConfigMap("bookinfo", "a", map[string]string{"key": "right"})).Objects()
	for _, s := range []Sabotage{
		Withhold("ConfigMap", "gone", "status"),
		Withhold("Secret", "a", "status"),
		Replace("ConfigMap", "gone", "status", "x", "data", "key"),
		Replace("ConfigMap", "a", "status", "x", "data", "misspelt"),
	} {
		_, err := s.apply(objs)
		assert.ErrorContains(t, err, `sabotage "`+s.Name+`": `)
	}
}
