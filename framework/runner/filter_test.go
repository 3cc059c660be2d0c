package runner

import (
	"meshgate/framework/suite"
	"testing"

	"meshgate/framework/config"

	"github.com/stretchr/testify/assert"
	"sigs.k8s.io/e2e-framework/pkg/envconf"
)

// picked are those of four features, two in each of two suites, that are selected.
func picked(selects func(string, suite.Feature) bool) []string {
	var got []string
	for _, of := range []string{"one", "two"} {
		for _, f := range []suite.Feature{{Name: "A"}, {Name: "B", Labels: map[string]string{"size": "big"}}} {
			if selects(of, f) {
				got = append(got, Key(of, f.Name))
			}
		}
	}
	return got
}

func TestWhatAConfigurationSelects(t *testing.T) {
	for _, c := range []struct {
		run  config.Run
		want []string
	}{
		{config.Run{}, []string{"one/A", "one/B", "two/A", "two/B"}},
		{config.Run{Feature: "^A$"}, []string{"one/A", "two/A"}},
		{config.Run{Suites: []string{"two"}}, []string{"two/A", "two/B"}},
		{config.Run{Labels: map[string]string{"size": "big"}}, []string{"one/B", "two/B"}},
		{config.Run{Labels: map[string]string{"suite": "two"}}, []string{"two/A", "two/B"}},
		{config.Run{Labels: map[string]string{"size": "small"}}, nil},
	} {
		assert.Equal(t, c.want, picked(Selects(c.run)), "%+v", c.run)
	}
}

func TestWhatTheFlagsOfGoTestSelect(t *testing.T) {
	for _, c := range []struct {
		filter *envconf.Config
		want   []string
	}{
		{envconf.New().WithSkipFeatureRegex("A"), []string{"one/B", "two/B"}},
		{envconf.New().WithLabels(map[string][]string{"suite": {"one", "two"}, "size": {"big"}}), []string{"one/B", "two/B"}},
		{envconf.New().WithSkipLabels(map[string][]string{"size": {"big"}}), []string{"one/A", "two/A"}},
	} {
		got := picked(func(of string, f suite.Feature) bool { return selects(c.filter, of, f) })
		assert.Equal(t, c.want, got)
	}
}
