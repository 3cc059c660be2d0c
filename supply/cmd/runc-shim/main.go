// Command runc-shim stands in front of runc on hosts whose bounding set lacks a
// capability, such as CAP_SYS_RESOURCE inside a virtual machine of a CI service.
// Engines that ask for every capability they know for a privileged container
// fail there. The shim takes from the container's specification what the host
// cannot give, says nothing, and becomes runc.
//
// It is registered in the engine's daemon.json as its default runtime, and is
// small and static because it runs several times for each container.
package main

import (
	"fmt"
	"os"
	"syscall"
)

func main() {
	if err := run(os.Args[1:], hostLimits, become); err != nil {
		fmt.Fprintln(os.Stderr, "runc-shim:", err)
		os.Exit(1)
	}
}

// run trims the specification that args name, if any, and hands over to runc.
func run(args []string, limits func() (Limits, error), become func(args []string) error) error {
	specs := specPaths(args)
	if len(specs) > 0 {
		have, err := limits()
		if err != nil {
			return err
		}
		for _, s := range specs {
			if err := trimFile(s, have); err != nil {
				return err
			}
		}
	}
	return become(args)
}

// become replaces this process by the real runc.
func become(args []string) error {
	path, err := realRunc(os.Getenv("PATH"))
	if err != nil {
		return err
	}
	err = syscall.Exec(path, append([]string{"runc"}, args...), os.Environ())
	return fmt.Errorf("replace the process by %s: %w", path, err)
}
