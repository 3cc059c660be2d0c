package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Open reads an earlier run: path is its report.json, its folder, or a report directory,
// which stands for its latest run. It also returns the file that was read. The error
// names the file and what to do.
func Open(path string) (run Run, file string, err error) {
	file, err = find(path)
	if err != nil {
		return Run{}, "", err
	}
	run, err = Read(file)
	return run, file, err
}

// find is the file that a path stands for.
func find(path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", readError(path, err)
	}
	if !st.IsDir() {
		return path, nil
	}
	for _, file := range []string{filepath.Join(path, FileJSON), filepath.Join(path, FileLatest, FileJSON)} {
		if _, err := os.Lstat(file); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("report: %s holds neither %s nor %s/%s: name a run's folder, a report directory or a %s; `meshgate run` makes one",
		path, FileJSON, FileLatest, FileJSON, FileJSON)
}

func readError(path string, err error) error {
	hint := "name a file that can be read"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		hint = "name a run that there is, or make one with `meshgate run`"
	case errors.Is(err, fs.ErrPermission):
		hint = "ask its owner, or run as a user who may read it"
	}
	return fmt.Errorf("report: cannot read %s: %w; %s", path, err, hint)
}

// syntaxError says what is wrong with a document that is no JSON. One that is cut off
// was not left so by meshgate, which writes a file whole or not at all.
func syntaxError(data []byte, err error) error {
	var syntax *json.SyntaxError
	switch {
	case len(data) == 0:
		return errors.New("not a report of meshgate: it is empty; name another file, or copy it again")
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(data)):
		return fmt.Errorf("cut off after %d bytes: %w; copy it again from where it was written, as a whole", len(data), err)
	case errors.As(err, &syntax):
		return fmt.Errorf("not a report of meshgate: not JSON, byte %d: %w; name the %s of a run", syntax.Offset, err, FileJSON)
	default:
		return fmt.Errorf("not a report of meshgate: %w; name the %s of a run", err, FileJSON)
	}
}

// schemaError says which version this program reads.
func schemaError(got string) error {
	if got == "" {
		return fmt.Errorf("not a report of meshgate: it names no schema, want %q; name the %s of a run", Schema, FileJSON)
	}
	return fmt.Errorf("schema: want %q, got %q; this meshgate reads no other: use the one that wrote it, or a newer one", Schema, got)
}
