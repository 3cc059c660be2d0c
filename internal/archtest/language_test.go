package archtest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Who reads the language's documentation reads nothing that no suite needs.
func TestSuitesUseAllThatTheLanguageExports(t *testing.T) {
	m := theTree(t)
	var suites []Sources
	for _, p := range m.pkgs {
		if strings.HasPrefix(p.Path, "./suites/") {
			suites = append(suites, m.own[p.Path])
		}
	}
	require.NotEmpty(t, suites)
	language := m.own["./framework/suite"]
	require.NotEmpty(t, language.Files)
	for _, v := range located(language, Unused(language, suites), "a suite uses it, or the runner has its own: the language holds what suites need") {
		t.Error(v)
	}
}

func TestUnusedNamesWhatNobodySelects(t *testing.T) {
	library := source(t, `
		func Asked() {}
		func Forgotten() {}
		const Idle = 1
		type Given struct{}
		func (Given) Helped() {}
		func (Given) Helpless() { Given{}.Helped() }
		type Alone struct{}
		func (Alone) Used() {}
		type Env interface { Ask(Given); Listen() }
		func hidden() {}`)
	user := source(t, `func f() { library.Asked(); x.Used() }`)
	var names []string
	for _, f := range Unused(library, []Sources{user}) {
		names = append(names, strings.Fields(f.What)[0])
	}
	assert.Equal(t, []string{"Forgotten", "Idle", "Helpless", "Alone", "Env", "Ask", "Listen"}, names)
}
