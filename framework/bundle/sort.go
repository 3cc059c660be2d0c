package bundle

import (
	"cmp"
	"slices"
)

// sort brings the lock into the catalogue's order, so that people find things
// where they expect them and equal bundles are equal files.
func (l *Lock) sort() {
	component := map[string]int{}
	name := map[string]int{}
	for i, c := range Catalogue() {
		component[c.Name] = i
		for j, n := range c.names() {
			name[n] = j
		}
	}
	slices.SortFunc(l.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(component[a.Component], component[b.Component]),
			cmp.Compare(a.Component, b.Component), cmp.Compare(name[a.Name], name[b.Name]), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(l.Spared, func(a, b Spared) int { return cmp.Compare(a.Component, b.Component) })
}
