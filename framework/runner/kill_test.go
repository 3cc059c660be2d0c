package runner

import (
	"meshgate/framework/mesh"
	"meshgate/framework/suite"
	"testing"

	"meshgate/framework/manifest"
	"meshgate/framework/report"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func feature(name string, status report.Status, fields ...string) report.Feature {
	step := report.Step{Name: "see", Kind: report.Assertion, Status: status}
	if status != report.Pass {
		step.Failure = &report.Failure{Message: "what was seen"}
		for _, f := range fields {
			step.Failure.Mismatches = append(step.Failure.Mismatches, report.Mismatch{Field: f, Want: "1", Got: "2"})
		}
	}
	return report.Feature{Name: name, Status: status, Steps: []report.Step{step}}
}

func TestAKillIsItsOwnFeatureRedAtTheDeclaredStepForTheDeclaredReason(t *testing.T) {
	f := promise("F", holds("see", nothing), holds("other", nothing))
	wrong, later := f.Sabotage[0], f.Sabotage[0].At("other")
	for name, c := range map[string]struct {
		feature  report.Feature
		sabotage *suite.Sabotage
		want     report.KillOutcome
		got      string
	}{
		"killed":            {feature("F", report.Fail, "status"), &wrong, report.Killed, "want 1, got 2"},
		"killed among more": {feature("F", report.Fail, "body", "status"), &wrong, report.Killed, "want 1, got 2"},
		"at another step":   {feature("F", report.Fail, "status"), &later, report.WrongReason, `"see" failed: what was seen`},
		"survived":          {feature("F", report.Pass), &wrong, report.Survived, "green"},
		"wrong reason":      {feature("F", report.Fail, "body"), &wrong, report.WrongReason, `"see" failed: what was seen`},
		"broke instead":     {feature("F", report.Error), &wrong, report.NotShown, "error: see: what was seen"},
		"error, right word": {feature("F", report.Error, "status"), &wrong, report.NotShown, `error: status: want "1", got "2"`},
		"left right, green": {feature("F", report.Pass), nil, report.Unharmed, "green"},
		"collateral":        {feature("F", report.Fail, "status"), nil, report.Collateral, `fail: status: want "1", got "2"`},
	} {
		t.Run(name, func(t *testing.T) {
			r := Round{Wrong: map[string]*suite.Sabotage{}}
			if c.sabotage != nil {
				r.Wrong["s/F"] = c.sabotage
			}
			kills := Kills([]suite.Suite{of(f)}, r, []report.Suite{{Name: "s", Features: []report.Feature{c.feature}}})
			require.Len(t, kills, 1)
			assert.Equal(t, c.want, kills[0].Outcome)
			assert.Equal(t, c.got, kills[0].Got)
		})
	}
}

func TestASabotagedFeatureThatDidNotRunIsNoKill(t *testing.T) {
	a, b := suite.Withhold("Gateway", "a", "status"), suite.Withhold("Gateway", "b", "body")
	kills := Kills(nil, Round{Wrong: map[string]*suite.Sabotage{Key("s", "B"): &b, Key("s", "A"): &a}}, nil)
	require.Len(t, kills, 2)
	for i, name := range []string{"A", "B"} {
		assert.Equal(t, name, kills[i].Feature)
		assert.Equal(t, report.NotShown, kills[i].Outcome)
	}
}

func TestASkippedFeatureIsLeftOut(t *testing.T) {
	a := suite.Withhold("Gateway", "a", "status")
	found := []report.Suite{{Name: "s", Features: []report.Feature{feature("A", report.Skip), feature("B", report.Skip)}}}
	assert.Empty(t, Kills(nil, Round{Wrong: map[string]*suite.Sabotage{Key("s", "A"): &a}}, found))
}

func TestFeaturesOfTheSameNameInTwoSuitesDoNotMeet(t *testing.T) {
	one, two := of(promise("F", holds("see", nothing))), of(promise("F", holds("see", nothing)))
	one.Name, two.Name = "one", "two"
	found := []report.Suite{
		{Name: "one", Features: []report.Feature{feature("F", report.Fail, "status")}},
		{Name: "two", Features: []report.Feature{feature("F", report.Pass)}},
	}
	kills := Kills([]suite.Suite{one, two}, Round{Wrong: map[string]*suite.Sabotage{Key("one", "F"): &one.Features[0].Sabotage[0]}}, found)
	require.Len(t, kills, 2)
	assert.Equal(t, report.Killed, kills[0].Outcome)
	assert.Equal(t, report.Unharmed, kills[1].Outcome)
}

func TestSabotageRoundsMakeEverythingWrongOnceAndWatchEachFeatureBesideIt(t *testing.T) {
	a, b, c := promise("A", holds("see", nothing)), promise("B", holds("see", nothing)), promise("C", holds("see", nothing))
	b.Sabotage = append(b.Sabotage, suite.Withhold("Gateway", "b", "status"), suite.Withhold("Secret", "b", "status"))
	rounds := SabotageRounds([]suite.Suite{of(a, b, c)}, func(string, suite.Feature) bool { return true })
	var wrong []string
	for _, r := range rounds {
		for key, s := range r.Wrong {
			wrong = append(wrong, key+": "+s.Name)
			assert.True(t, r.Only[key], "what is wrong is asked")
		}
	}
	assert.ElementsMatch(t, []string{"s/A: without ConfigMap given-a", "s/B: without ConfigMap given-b", "s/C: without ConfigMap given-c",
		"s/B: without Gateway b", "s/B: without Secret b"}, wrong)
	assert.Equal(t, map[string]bool{"s/A": true, "s/B": true, "s/C": true}, rounds[0].Only)
	assert.Equal(t, rounds[0].Only, rounds[1].Only)
	assert.Equal(t, map[string]bool{"s/B": true}, rounds[2].Only)
}

// changed makes the objects of a feature with a sabotage.
func changed(t *testing.T, w suite.Sabotage, objs ...*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	t.Helper()
	e := &environment{mesh: &mesh.Mesh{}, host: nobody{}, names: namespaces{"bookinfo": "bookinfo-s"}}
	_, out, _, err := sabotaged{&w}.objects(e, suite.Feature{Setup: []suite.Setup{suite.Objects(objs...)}})
	return out, err
}

func TestSabotageChangesItsTargetAndNothingElse(t *testing.T) {
	a, b := manifest.ConfigMap("bookinfo", "a", map[string]string{"key": "right"}), manifest.ConfigMap("bookinfo", "b", nil)
	without := suite.Withhold("ConfigMap", "a", "status")
	assert.Equal(t, "without ConfigMap a", without.Name)
	left, err := changed(t, without, a, b)
	require.NoError(t, err)
	require.Len(t, left, 1)
	assert.Equal(t, "b", left[0].GetName())

	wrong := suite.Replace("ConfigMap", "a", "status", "wrong", "data", "key")
	assert.Equal(t, "ConfigMap a with data.key = wrong", wrong.Name)
	edited, err := changed(t, wrong, a, b)
	require.NoError(t, err)
	require.Len(t, edited, 2)
	assert.Equal(t, map[string]any{"key": "wrong"}, edited[0].Object["data"])
	assert.Empty(t, edited[1].Object["data"])
}

func TestSabotageWithoutATargetIsAnErrorAndNeitherKilledNorSurvived(t *testing.T) {
	for _, s := range []suite.Sabotage{
		suite.Withhold("ConfigMap", "gone", "status"),
		suite.Withhold("Secret", "a", "status"),
		suite.Replace("ConfigMap", "gone", "status", "x", "data", "key"),
		suite.Replace("ConfigMap", "a", "status", "x", "data", "misspelt"),
	} {
		_, err := changed(t, s, manifest.ConfigMap("bookinfo", "a", map[string]string{"key": "right"}))
		assert.ErrorContains(t, err, `sabotage "`+s.Name+`": `)
	}
}
