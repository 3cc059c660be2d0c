package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// sysResource is CAP_SYS_RESOURCE's bit (include/uapi/linux/capability.h).
const sysResource = 24

// capabilities are Linux' names in the order of their bits.
var capabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
	"CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
	"CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
	"CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
	"CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}

// can says whether the bounding set holds a capability. One that this table does
// not know is left to runc to judge.
func (l Limits) can(name string) bool {
	bit := slices.Index(capabilities, name)
	return bit < 0 || l.Bounding&(1<<bit) != 0
}

// trimFile rewrites the file that s names, in one step, if anything must go.
func trimFile(s spec, have Limits) error {
	raw, err := os.ReadFile(s.path)
	if err != nil {
		return fmt.Errorf("read the container's specification: %w", err)
	}
	out, err := trim(raw, s.process, have)
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	if bytes.Equal(raw, out) {
		return nil
	}
	return replace(s.path, out)
}

// replace writes a file beside path and renames it, so that nobody reads a half.
func replace(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".trimmed-*")
	if err != nil {
		return fmt.Errorf("write the trimmed specification: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(content)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write the trimmed specification: %w", err)
	}
	return os.Rename(tmp.Name(), path)
}

// trim takes from a specification what have cannot give. Fields that it does not
// know stay as they are, and a specification that asks for nothing too much is
// returned unchanged.
func trim(raw []byte, process bool, have Limits) ([]byte, error) {
	doc := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // limits are up to 2^64-1, which a float cannot hold
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	proc := doc
	if !process {
		proc, _ = doc["process"].(map[string]any)
	}
	if proc == nil || !trimProcess(proc, have) {
		return raw, nil
	}
	return json.Marshal(doc)
}

// trimProcess says whether it changed anything.
func trimProcess(proc map[string]any, have Limits) bool {
	changed := trimCapabilities(proc, have)
	if have.can(capabilities[sysResource]) {
		return changed
	}
	changed = trimRlimits(proc, have) || changed
	return trimOOMScore(proc, have) || changed
}

func trimCapabilities(proc map[string]any, have Limits) bool {
	sets, _ := proc["capabilities"].(map[string]any)
	changed := false
	for set, v := range sets {
		list, _ := v.([]any)
		kept := slices.DeleteFunc(slices.Clone(list), func(c any) bool {
			name, ok := c.(string)
			return ok && !have.can(name)
		})
		if len(kept) != len(list) {
			sets[set], changed = kept, true
		}
	}
	return changed
}

// trimRlimits lowers what is above our own hard limit: raising needs CAP_SYS_RESOURCE.
func trimRlimits(proc map[string]any, have Limits) bool {
	list, _ := proc["rlimits"].([]any)
	changed := false
	for _, v := range list {
		limit, _ := v.(map[string]any)
		name, _ := limit["type"].(string)
		ceiling, limited := have.Hard[name]
		if !limited {
			continue
		}
		for _, bound := range []string{"hard", "soft"} {
			if number(limit[bound]) > float64(ceiling) {
				limit[bound], changed = ceiling, true
			}
		}
	}
	return changed
}

// trimOOMScore drops a score below our own, which would be refused.
func trimOOMScore(proc map[string]any, have Limits) bool {
	v, ok := proc["oomScoreAdj"]
	if !ok || number(v) >= float64(have.OOMScoreAdj) {
		return false
	}
	proc["oomScoreAdj"] = have.OOMScoreAdj
	return true
}

// number is exact enough to compare limits; what is no number is 0.
func number(v any) float64 {
	n, _ := v.(json.Number)
	f, _ := n.Float64()
	return f
}
