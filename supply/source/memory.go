package source

import (
	"fmt"
	"os"
)

const mebibyte = 1 << 20

// The compiler's and the linker's garbage collector is put off until a process
// has used its share of the memory that is free: that is a third of their work.
const (
	mostMemory  = 2560 * mebibyte // more than any of them needs
	leastMemory = 512 * mebibyte  // with less than this their own judgement is better
)

// memoryEnv are settings for the processes of a build, when so many of them run
// at once and so many bytes are free. What the user has set stays.
func memoryEnv(free int64, processes int) []string {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	share := free * 3 / 4 / int64(max(1, processes))
	if share < leastMemory {
		return nil
	}
	return []string{"GOGC=off", fmt.Sprintf("GOMEMLIMIT=%d", min(share, mostMemory))}
}
