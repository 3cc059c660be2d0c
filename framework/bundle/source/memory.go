package source

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

const mebibyte = 1 << 20

// The compiler's and the linker's garbage collector is put off until a process
// has used its share of the memory that is free: that is a third of their work.
const (
	mostMemory  = 2560 * mebibyte // more than any of them needs
	leastMemory = 512 * mebibyte  // with less than this their own judgement is better
)

// memoryEnv are settings for the processes of a build, when so many of them run
// at once. What the user has set stays.
func memoryEnv(meminfo string, processes int) []string {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	share := available(meminfo) * 3 / 4 / int64(max(1, processes))
	if share < leastMemory {
		return nil
	}
	return []string{"GOGC=off", fmt.Sprintf("GOMEMLIMIT=%d", min(share, mostMemory))}
}

// available is the free memory in bytes as the kernel tells it, 0 if it does not.
func available(meminfo string) int64 {
	file, err := os.Open(meminfo)
	if err != nil {
		return 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var kibibytes int64
		if value, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			if _, err := fmt.Sscan(value, &kibibytes); err == nil {
				return kibibytes << 10
			}
		}
	}
	return 0
}
