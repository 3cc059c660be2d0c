package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Limits is what this host can give to a container.
type Limits struct {
	// Bounding is the capability bounding set, one bit a capability.
	Bounding uint64
	// OOMScoreAdj is our own; without CAP_SYS_RESOURCE nobody may go below it.
	OOMScoreAdj int64
	// Hard maps a resource name ("RLIMIT_NOFILE") to our hard limit; a resource
	// that is missing is not limited.
	Hard map[string]uint64
}

// hostLimits reads the limits of this process from /proc.
func hostLimits() (Limits, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return Limits{}, fmt.Errorf("read our capabilities: %w", err)
	}
	bounding, err := boundingSet(status)
	if err != nil {
		return Limits{}, err
	}
	score, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return Limits{}, fmt.Errorf("read our OOM score: %w", err)
	}
	adj, err := strconv.ParseInt(strings.TrimSpace(string(score)), 10, 64)
	if err != nil {
		return Limits{}, fmt.Errorf("our OOM score: %w", err)
	}
	limits, err := os.ReadFile("/proc/self/limits")
	if err != nil {
		return Limits{}, fmt.Errorf("read our resource limits: %w", err)
	}
	return Limits{Bounding: bounding, OOMScoreAdj: adj, Hard: hardLimits(limits)}, nil
}

// boundingSet finds CapBnd in the text of /proc/<pid>/status.
func boundingSet(status []byte) (uint64, error) {
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			return strconv.ParseUint(strings.TrimSpace(v), 16, 64)
		}
	}
	return 0, errors.New("our capabilities: /proc/self/status has no CapBnd line")
}

// limitNames maps the first words of a line of /proc/<pid>/limits to the name
// that the OCI specification uses.
var limitNames = map[string]string{
	"Max cpu time": "RLIMIT_CPU", "Max file size": "RLIMIT_FSIZE", "Max data size": "RLIMIT_DATA",
	"Max stack size": "RLIMIT_STACK", "Max core file size": "RLIMIT_CORE", "Max resident set": "RLIMIT_RSS",
	"Max processes": "RLIMIT_NPROC", "Max open files": "RLIMIT_NOFILE", "Max locked memory": "RLIMIT_MEMLOCK",
	"Max address space": "RLIMIT_AS", "Max file locks": "RLIMIT_LOCKS", "Max pending signals": "RLIMIT_SIGPENDING",
	"Max msgqueue size": "RLIMIT_MSGQUEUE", "Max nice priority": "RLIMIT_NICE",
	"Max realtime priority": "RLIMIT_RTPRIO", "Max realtime timeout": "RLIMIT_RTTIME",
}

// hardLimits reads the third column of /proc/<pid>/limits.
func hardLimits(text []byte) map[string]uint64 {
	hard := map[string]uint64{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		for words, name := range limitNames {
			rest, ok := strings.CutPrefix(lines.Text(), words+" ")
			if !ok {
				continue
			}
			if fields := strings.Fields(rest); len(fields) >= 2 {
				if n, err := strconv.ParseUint(fields[1], 10, 64); err == nil {
					hard[name] = n
				}
			}
		}
	}
	return hard
}

// realRunc finds runc in a PATH, but never a file that is this program under
// another name, which would exec itself for ever.
func realRunc(path string) (string, error) {
	self, err := os.Stat("/proc/self/exe")
	if err != nil {
		return "", fmt.Errorf("find ourselves: %w", err)
	}
	dirs := append(filepath.SplitList(path), "/usr/sbin", "/usr/bin", "/sbin", "/usr/local/sbin", "/usr/local/bin")
	for _, dir := range dirs {
		file := filepath.Join(dir, "runc")
		info, err := os.Stat(file)
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 || os.SameFile(info, self) {
			continue
		}
		return file, nil
	}
	return "", fmt.Errorf("no runc in %s; install the engine's runc package", strings.Join(dirs, ":"))
}
