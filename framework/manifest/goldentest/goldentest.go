// Package goldentest compares what was rendered with a file that a person has
// read. It is for tests; each of them declares its own -update switch, so that
// nothing outside of tests ever writes such a file.
package goldentest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// Compare returns nil when the file holds exactly got. With update it writes got
// into the file. The error names the first line that differs, from both sides.
func Compare(path string, got []byte, update bool) error {
	if update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("golden file %s: %w", path, err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			return fmt.Errorf("golden file %s: %w", path, err)
		}
		return nil
	}
	want, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("golden file %s: %w (run the test with -update, and read what it wrote)", path, err)
	}
	if bytes.Equal(want, got) {
		return nil
	}
	n, wantLine, gotLine := firstDifference(bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n")))
	return fmt.Errorf("golden file %s, line %d: want %q, got %q (if that is right, run the test with -update)", path, n, wantLine, gotLine)
}

// firstDifference counts lines from 1; a side that has ended has an empty line.
func firstDifference(want, got [][]byte) (n int, wantLine, gotLine []byte) {
	at := func(lines [][]byte, i int) []byte {
		if i < len(lines) {
			return lines[i]
		}
		return nil
	}
	for i := 0; i < max(len(want), len(got)); i++ {
		if i >= len(want) || i >= len(got) || !bytes.Equal(want[i], got[i]) {
			return i + 1, at(want, i), at(got, i)
		}
	}
	return 0, nil, nil
}
