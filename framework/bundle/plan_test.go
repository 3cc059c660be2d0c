package bundle

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// foreseer is a source that notes what it is told of the future.
type foreseer struct {
	*maker
	plans [][]string
}

func (f *foreseer) Plan(next []Component) {
	plan := []string{}
	for _, c := range next {
		plan = append(plan, c.Name)
	}
	f.plans = append(f.plans, plan)
}

func TestASourceIsToldWhatComesNext(t *testing.T) {
	dir := t.TempDir()
	b, err := Resolve(t.Context(), Options{Dir: dir, Sources: []Source{builder()}}, []string{"metallb"})
	require.NoError(t, err)
	b.Close()
	source := &foreseer{maker: builder()}
	b, err = Resolve(t.Context(), Options{Dir: dir, Sources: []Source{source}}, []string{"calico", "metallb", "istio-1.31", "apps"})
	require.NoError(t, err)
	b.Close()
	assert.Equal(t, [][]string{{"istio-1.31", "apps"}, {"apps"}, {}}, source.plans, "what is cached is not planned")
}
