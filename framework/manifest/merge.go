package manifest

import "maps"

// Merge lays over upon under, map by map; neither is changed.
func Merge(under, over map[string]any) map[string]any {
	out := maps.Clone(under)
	for k, v := range over {
		below, isMap := out[k].(map[string]any)
		above, both := v.(map[string]any)
		if isMap && both {
			out[k] = Merge(below, above)
		} else {
			out[k] = v
		}
	}
	return out
}
