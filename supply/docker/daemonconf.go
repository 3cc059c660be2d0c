package docker

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"meshgate/framework/cluster/engine"
)

// WithRuntime adds the shim as the default runtime to a daemon.json (nil: there
// is none), and keeps everything else. changed is false when it was there. What
// somebody else decided about the default runtime is refused, not overridden.
func WithRuntime(raw []byte, shim string) (out []byte, changed bool, err error) {
	conf := map[string]any{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &conf); err != nil {
			return nil, false, fmt.Errorf("%s: not JSON: %w; repair or remove it", engine.DaemonConfig, err)
		}
	}
	if other, ok := conf["default-runtime"]; ok && other != engine.RuntimeName && other != "runc" {
		return nil, false, fmt.Errorf("%s: default-runtime: want %q, got %q; it is left alone: remove the line, or point that runtime at a runc that copes with a missing capability", engine.DaemonConfig, engine.RuntimeName, other)
	}
	runtimes, err := object(conf, "runtimes")
	if err != nil {
		return nil, false, err
	}
	mine, err := object(runtimes, engine.RuntimeName)
	if err != nil {
		return nil, false, err
	}
	if mine["path"] == shim && conf["default-runtime"] == engine.RuntimeName {
		return raw, false, nil
	}
	mine["path"] = shim
	conf["default-runtime"] = engine.RuntimeName
	out, err = json.MarshalIndent(conf, "", "  ")
	return append(out, '\n'), true, err
}

// object returns the object under key and makes it if it is missing.
func object(in map[string]any, key string) (map[string]any, error) {
	switch v := in[key].(type) {
	case nil:
		o := map[string]any{}
		in[key] = o
		return o, nil
	case map[string]any:
		return v, nil
	default:
		return nil, fmt.Errorf("%s: %s: want an object, got %T; repair it", engine.DaemonConfig, key, v)
	}
}

// registerShim merges the shim into the daemon.json at path.
func registerShim(path, shim string) (changed bool, err error) {
	raw, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return false, fmt.Errorf("read the engine's configuration: %w", err)
	}
	out, changed, err := WithRuntime(raw, shim)
	if err != nil || !changed {
		return false, err
	}
	if err := writeFile(path, out, 0o644); err != nil {
		return false, fmt.Errorf("write the engine's configuration: %w", err)
	}
	return true, nil
}

// writeFile makes the folder and replaces the file in one step.
func writeFile(path string, content []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp := fmt.Sprintf("%s.%d.new", path, os.Getpid())
	defer os.Remove(tmp)
	if err := os.WriteFile(tmp, content, mode); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
