package toolrun

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Distribution is where this machine gets its own packages from.
type Distribution struct {
	Suite   string   // "bookworm"
	Sources []string // lines for apt: "deb URL SUITE COMPONENT"
}

// targetFormat are the fields of `apt-get indextargets` that make a source line.
const targetFormat = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"

// FindDistribution reads the machine's own apt configuration. Sources of others
// than the distribution itself are left out.
func FindDistribution(ctx context.Context) (Distribution, error) {
	id, suite, err := osRelease("/etc/os-release")
	if err != nil {
		return Distribution{}, err
	}
	out, err := Run(ctx, Command{Args: []string{"apt-get", "indextargets", "--format", targetFormat, "Created-By: Packages"}})
	if err != nil {
		return Distribution{}, err
	}
	d := Distribution{Suite: suite, Sources: sources(out, id, suite)}
	if len(d.Sources) == 0 {
		return d, fmt.Errorf("apt has no lists of %s %s: run `apt-get update` and try again", id, suite)
	}
	return d, nil
}

func osRelease(path string) (id, suite string, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", "", fmt.Errorf("which distribution this is: %w", err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), "=")
		switch key {
		case "ID":
			id = strings.Trim(value, `"`)
		case "VERSION_CODENAME":
			suite = strings.Trim(value, `"`)
		}
	}
	if id == "" || suite == "" {
		return "", "", fmt.Errorf("%s names no distribution with a code name (ID %q, VERSION_CODENAME %q): building needs Debian or Ubuntu", path, id, suite)
	}
	return id, suite, nil
}

// sources turns apt's index targets into source lines, each once, in order.
func sources(targets []byte, id, suite string) []string {
	var out []string
	for lines := bufio.NewScanner(bytes.NewReader(targets)); lines.Scan(); {
		f := strings.Split(lines.Text(), "|")
		if len(f) != 4 || !strings.EqualFold(f[0], id) || f[2] != suite && !strings.HasPrefix(f[2], suite+"-") {
			continue
		}
		line := fmt.Sprintf("deb %s %s %s", f[1], f[2], f[3])
		if !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}
