package bundle

import "fmt"

// bytesText is a size as people read it, in decimal units as registries and
// engines use them.
func bytesText(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, suffix := float64(n)/unit, 0
	for ; value >= unit && suffix < 3; suffix++ {
		value /= unit
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGT"[suffix])
}
