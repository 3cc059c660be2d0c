package source

import (
	"context"
	"fmt"
	"os"
	"strings"

	"meshgate/supply/source/recipe"
	"meshgate/supply/toolrun"
)

// undocumented keeps manuals and translations out of an installed root file system.
var undocumented = []string{"/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/i18n/*"}

// assemble makes a root file system out of packages of the machine's own
// distribution, from the mirrors that the machine itself uses.
func (j *job) assemble(ctx context.Context, fs recipe.RootFS) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("root file system %s: building one needs root: run meshgate as root, or take the bundle from a registry or an archive", fs.Name)
	}
	from, err := toolrun.FindDistribution(ctx)
	if err != nil {
		return fmt.Errorf("root file system %s: %w", fs.Name, err)
	}
	out := j.file("rootfs-" + fs.Name + ".tar")
	j.log.Waiting(fmt.Sprintf("root file system %s of %s packages", fs.Name, from.Suite))
	_, err = toolrun.Run(ctx, toolrun.Command{
		// mmdebstrap's own folder is inside the job's, so that nothing of it is left.
		Env:  []string{"TMPDIR=" + j.dir, "SOURCE_DATE_EPOCH=0", "DEBIAN_FRONTEND=noninteractive"},
		Args: assembleArgs(fs, from, out), Mounts: true,
		Line: func(line string) bool {
			j.log.Waiting(fmt.Sprintf("root file system %s: %s", fs.Name, strings.TrimPrefix(line, "I: ")))
			return false
		},
	})
	if err != nil {
		return fmt.Errorf("root file system %s: %w", fs.Name, err)
	}
	j.rootfs.set(fs.Name, out)
	return nil
}

func assembleArgs(fs recipe.RootFS, from toolrun.Distribution, out string) []string {
	args := []string{"mmdebstrap", "--include=" + strings.Join(fs.Packages, ","), `--aptopt=APT::Install-Recommends "false"`}
	if !fs.Installed {
		args = append(args, "--variant=extract")
	} else {
		// What is built is thrown away if the machine dies: no need to wait for its disk.
		args = append(args, "--variant=essential", "--dpkgopt=force-unsafe-io")
		for _, path := range undocumented {
			args = append(args, "--dpkgopt=path-exclude="+path)
		}
	}
	return append(append(args, from.Suite, out), from.Sources...)
}
