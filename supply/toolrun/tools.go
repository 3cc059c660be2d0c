package toolrun

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Tool is something that must be on the machine.
type Tool struct {
	Name    string   // for people: "mmdebstrap", "libseccomp"
	Package string   // the Debian package that has it
	Probe   []string // a command that succeeds if it is there
}

// The tools that steps of a build need.
var (
	Go         = Tool{Name: "go", Package: "golang", Probe: []string{"go", "version"}}
	Mmdebstrap = Tool{Name: "mmdebstrap", Package: "mmdebstrap", Probe: []string{"mmdebstrap", "--version"}}
	AptGet     = Tool{Name: "apt-get", Package: "apt", Probe: []string{"apt-get", "--version"}}
	Pip        = Tool{Name: "pip", Package: "python3-pip", Probe: []string{"python3", "-m", "pip", "--version"}}
	Compiler   = Tool{Name: "C compiler", Package: "gcc libc6-dev", Probe: []string{"gcc", "--version"}}
	PkgConfig  = Tool{Name: "pkg-config", Package: "pkg-config", Probe: []string{"pkg-config", "--version"}}
)

// Library is a C library as a tool.
func Library(name, debianPackage string) Tool {
	return Tool{Name: name, Package: debianPackage, Probe: []string{"pkg-config", "--exists", name}}
}

// MissingError names the tools that are not there.
type MissingError struct {
	Missing []Tool
	Reason  string // why they were not installed
}

// Error gives the command that installs what is missing.
func (e *MissingError) Error() string {
	var names []string
	for _, t := range e.Missing {
		names = append(names, t.Name)
	}
	return fmt.Sprintf("missing on this machine: %s (%s); install with: apt-get install --no-install-recommends %s",
		strings.Join(names, ", "), e.Reason, strings.Join(packages(e.Missing), " "))
}

func packages(tools []Tool) []string {
	var out []string
	for _, t := range tools {
		out = append(out, strings.Fields(t.Package)...)
	}
	return out
}

// Ensure makes the tools be there. As root on a machine with apt-get it installs
// what is missing and says so through note; otherwise the error is a
// *MissingError with the command that does.
func Ensure(ctx context.Context, note func(format string, args ...any), tools ...Tool) error {
	missing := absent(ctx, tools)
	if len(missing) == 0 {
		return nil
	}
	if why := cannotInstall(); why != "" {
		return &MissingError{Missing: missing, Reason: why}
	}
	note("installing what the build needs: apt-get install %s", strings.Join(packages(missing), " "))
	if err := install(ctx, packages(missing)); err != nil {
		return err
	}
	if still := absent(ctx, missing); len(still) > 0 {
		return &MissingError{Missing: still, Reason: "apt-get installed the packages, and they still cannot be found"}
	}
	return nil
}

func absent(ctx context.Context, tools []Tool) []Tool {
	var out []Tool
	for _, t := range tools {
		if exec.CommandContext(ctx, t.Probe[0], t.Probe[1:]...).Run() != nil {
			out = append(out, t)
		}
	}
	return out
}

// cannotInstall says why this process cannot install packages.
func cannotInstall() string {
	if os.Geteuid() != 0 {
		return "not root, so meshgate cannot install them"
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "no apt-get here, so meshgate cannot install them"
	}
	return ""
}

// install tries with the package lists there are and updates them only if that
// fails: an update costs half a minute.
func install(ctx context.Context, names []string) error {
	get := func(args ...string) error {
		_, err := Run(ctx, Command{
			Env:  []string{"DEBIAN_FRONTEND=noninteractive"},
			Args: append([]string{"apt-get", "--yes", "--quiet", "--no-install-recommends"}, args...),
		})
		return err
	}
	with := append([]string{"install"}, names...)
	first := get(with...)
	if first == nil || ctx.Err() != nil {
		return first
	}
	if err := get("update"); err != nil {
		return errors.Join(first, err)
	}
	return get(with...)
}
