package recipe

import (
	"fmt"
	"maps"
	"slices"
)

// unused names what the recipe makes and then leaves lying: a misspelt name, or
// minutes of work for nothing.
func (r *Recipe) unused(k names) []error {
	used := names{programs: set{}, rootfs: set{}, wheels: set{}, layers: set{}, baked: set{}}
	for _, l := range r.Layers {
		used.rootfs[l.RootFS] = true
		for _, c := range l.Contents {
			used.programs[c.Program], used.wheels[c.Wheel] = true, true
		}
	}
	for _, i := range slices.Concat(r.Baked, r.Images) {
		used.take(i)
	}
	return slices.Concat(
		k.programs.without("program", used.programs), k.rootfs.without("rootfs", used.rootfs),
		k.wheels.without("wheel", used.wheels), k.layers.without("layer", used.layers),
		k.baked.without("baked image", used.baked),
	)
}

// take notes what an image uses.
func (n names) take(i Image) {
	for _, layer := range i.Layers {
		n.layers[layer] = true
	}
	if i.Bake == nil {
		return
	}
	n.programs[i.Bake.Containerd], n.programs[i.Bake.Ctr] = true, true
	for _, name := range i.Bake.Images {
		n.baked[name] = true
	}
}

// without is an error for every name that is not in used.
func (s set) without(kind string, used set) []error {
	var out []error
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if !used[name] {
			out = append(out, fmt.Errorf("%s %q: nothing uses it", kind, name))
		}
	}
	return out
}
