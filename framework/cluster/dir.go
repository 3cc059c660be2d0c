package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// Dir is the folder of what is kept about clusters of our own, one folder a
// cluster, and of the leases on them.
func Dir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("folder for clusters: %w; set HOME or XDG_CACHE_HOME", err)
	}
	return filepath.Join(cache, "meshgate", "clusters"), nil
}

// maxName leaves room for what kind appends: a host name ends at 63 characters.
const maxName = 40

// CheckName refuses names that cannot become host names of nodes.
func CheckName(name string) error {
	if len(name) > maxName || !regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`).MatchString(name) {
		return fmt.Errorf("cluster name: want at most %d of a-z, 0-9 and inner hyphens, got %q", maxName, name)
	}
	return nil
}
