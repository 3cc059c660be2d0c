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

func TestAKillIsItsOwnFeatureRedAtTheDeclaredStepForTheDeclaredReason(t *testing.T) {
	f := promise("F", Holds("see", nothing), Holds("other", nothing))
	wrong, later := f.Sabotage[0], f.Sabotage[0].At("other")
	for name, c := range map[string]struct {
		feature  report.Feature
		sabotage *Sabotage
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
			r := Round{Wrong: map[string]*Sabotage{}}
			if c.sabotage != nil {
				r.Wrong["s/F"] = c.sabotage
			}
			kills := Kills([]Suite{of(f)}, r, []report.Suite{{Name: "s", Features: []report.Feature{c.feature}}})
			require.Len(t, kills, 1)
			assert.Equal(t, c.want, kills[0].Outcome)
			assert.Equal(t, c.got, kills[0].Got)
		})
	}
}

func TestASabotagedFeatureThatDidNotRunIsNoKill(t *testing.T) {
	a, b := Withhold("Gateway", "a", "status"), Withhold("Gateway", "b", "body")
	kills := Kills(nil, Round{Wrong: map[string]*Sabotage{Key("s", "B"): &b, Key("s", "A"): &a}}, nil)
	require.Len(t, kills, 2)
	for i, name := range []string{"A", "B"} {
		assert.Equal(t, name, kills[i].Feature)
		assert.Equal(t, report.NotShown, kills[i].Outcome)
	}
}

func TestASkippedFeatureIsLeftOut(t *testing.T) {
	a := Withhold("Gateway", "a", "status")
	found := []report.Suite{{Name: "s", Features: []report.Feature{feature("A", report.Skip), feature("B", report.Skip)}}}
	assert.Empty(t, Kills(nil, Round{Wrong: map[string]*Sabotage{Key("s", "A"): &a}}, found))
}

func TestFeaturesOfTheSameNameInTwoSuitesDoNotMeet(t *testing.T) {
	one, two := of(promise("F", Holds("see", nothing))), of(promise("F", Holds("see", nothing)))
	one.Name, two.Name = "one", "two"
	found := []report.Suite{
		{Name: "one", Features: []report.Feature{feature("F", report.Fail, "status")}},
		{Name: "two", Features: []report.Feature{feature("F", report.Pass)}},
	}
	kills := Kills([]Suite{one, two}, Round{Wrong: map[string]*Sabotage{Key("one", "F"): &one.Features[0].Sabotage[0]}}, found)
	require.Len(t, kills, 2)
	assert.Equal(t, report.Killed, kills[0].Outcome)
	assert.Equal(t, report.Unharmed, kills[1].Outcome)
}

func TestSabotageRoundsMakeEverythingWrongOnceAndWatchEachFeatureBesideIt(t *testing.T) {
	a, b, c := promise("A", Holds("see", nothing)), promise("B", Holds("see", nothing)), promise("C", Holds("see", nothing))
	b.Sabotage = append(b.Sabotage, Withhold("Gateway", "b", "status"), Withhold("Secret", "b", "status"))
	rounds := SabotageRounds([]Suite{of(a, b, c)}, func(string, Feature) bool { return true })
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
