package config

import (
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryFlagThatACommandNamesIsASetting(t *testing.T) {
	known := map[string]bool{}
	for _, s := range settings() {
		known[s.flag] = true
		assert.Contains(t, Groups(), s.group, s.key)
		if s.flag != "" {
			assert.NotEmpty(t, having(s.flag), "no command has --%s", s.flag)
		}
	}
	for _, c := range Commands() {
		for _, flag := range c.flags {
			assert.True(t, known[flag], "%s: --%s", c.Name, flag)
		}
		for _, o := range c.own {
			assert.False(t, known[o.flag], "%s: --%s is a setting's", c.Name, o.flag)
			assert.NotEmpty(t, o.want, o.flag)
		}
	}
}

func TestAFlagOfOtherCommandsIsRefusedWithTheirNames(t *testing.T) {
	for _, c := range []struct{ command, flag, want string }{
		{"run", "--nth=1", "unknown flag --nth (command line): this command does not use it, it is a flag of meshgate sabotage"},
		{"bundle list", "--report=x", "unknown flag --report (command line): this command does not use it, it is a flag of meshgate run, sabotage, soak and report show"},
		{"bundle list", "--kubeconfg=x", "unknown flag --kubeconfg (command line); the nearest there is: --kubeconfig, a flag of meshgate run, replay, up, down, sabotage and soak"},
		{"bundle list", "--bundle-dr=x", "unknown flag --bundle-dr (command line); the nearest there is: --bundle-dir"},
		{"list", "--nods=x", "unknown flag --nods (command line); the nearest there is: --nodes, a flag of meshgate run, replay, up, sabotage and soak"},
	} {
		fs := pflag.NewFlagSet(c.command, pflag.ContinueOnError)
		Flags(fs, c.command, nil)
		var usage *UsageError
		err := FlagError(fs, fs.Parse([]string{c.flag}))
		require.ErrorAs(t, err, &usage)
		assert.EqualError(t, err, c.want)
	}
}

func TestACommandWithoutAFlagStillTakesTheSettingFromTheEnvironment(t *testing.T) {
	fs := pflag.NewFlagSet("down", pflag.ContinueOnError)
	l := Flags(fs, "down", nil)
	assert.Nil(t, fs.Lookup("suite"))
	c, err := l.Load([]string{"MESHGATE_SUITE=basic-gateway"})
	require.NoError(t, err)
	assert.Equal(t, []string{"basic-gateway"}, c.Run.Suites)
}

func TestTheValuesOfEnumeratedSettingsAreAccepted(t *testing.T) {
	for _, s := range settings() {
		for _, choice := range Choices(s.flag) {
			var c Config
			assert.NoError(t, s.set(&c, choice), "%s: %s", s.key, choice)
		}
	}
	assert.Equal(t, []string{"kind", "existing"}, Choices("provider"))
	assert.Empty(t, Choices("suite"))
}
