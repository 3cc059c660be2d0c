package machine

import (
	"fmt"
	"os"
	"path/filepath"
)

// What one node with a mesh on it takes of the kernel's limits per user; all
// nodes of an engine that runs as root are one user. Seen were up to 58 instances
// a node. Recommended is what RaiseInotify sets.
const (
	InotifyPerNode       = 64
	InotifyWatchesWanted = 65536
	InotifyRecommended   = 512
)

// InotifyWanted is how many instances a cluster of so many nodes takes, beside
// what the rest of the machine does.
func InotifyWanted(nodes int) int64 { return int64(nodes+1) * InotifyPerNode }

// instancesFile is the kernel's limit below the root of a machine's files.
const instancesFile = "proc/sys/fs/inotify/max_user_instances"

// RaiseInotify raises the limit of instances per user below root ("/") until the
// machine's next start. It needs root.
func RaiseInotify(root string, to int64) error {
	file := filepath.Join(root, instancesFile)
	if err := os.WriteFile(file, fmt.Appendf(nil, "%d\n", to), 0o644); err != nil {
		return fmt.Errorf("raise %s to %d: %w", file, to, err)
	}
	return nil
}
