// Command meshgate-bundle builds components of a bundle from source, and installs a
// container engine. meshgate runs it where a component is in neither the cache nor a
// registry, and where no engine answers; people may run it too.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"meshgate/framework/progress"
	"meshgate/framework/supplier"
)

// Exit codes, as meshgate has them.
const (
	exitFailed      = 2
	exitUsage       = 64
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal what was begun is removed; a second one ends it at once.
	context.AfterFunc(ctx, stop)
	code := execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, progress.For(os.Stderr))
	stop()
	os.Exit(code)
}

// app is what every command works with.
type app struct {
	in     io.Reader
	out    io.Writer
	log    progress.Log
	events bool // for meshgate: write events, and end when in does
}

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer, log progress.Log) int {
	a := &app{in: in, out: out, log: log}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if a.events {
		err = errors.Join(err, supplier.Emit(out, supplier.Event{Error: err.Error()}))
	} else {
		fmt.Fprintln(errOut, "meshgate-bundle:", err)
	}
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case ctx.Err() != nil:
		return exitInterrupted
	}
	return exitFailed
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "meshgate-bundle",
		Short: "Build what goes into a cluster from source, and install a container engine",
		Long: `meshgate-bundle builds the images, charts and manifests of a bundle out of what package
registries serve, and on Debian and Ubuntu installs Docker. It must run in a checkout of
meshgate, where the recipes are. meshgate runs it by itself when it has to.`,
		SilenceErrors: true, SilenceUsage: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return &usageError{fmt.Errorf("unknown command %q (meshgate-bundle --help lists them)", args[0])}
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.PersistentFlags().BoolVar(&a.events, name(supplier.EventsFlag), false, "tell meshgate what happens, as lines of JSON, and end when standard input does")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(a.fill(), a.engine(), a.available(), a.inputs())
	return root
}

// name is a flag's name without its dashes.
func name(flag string) string { return flag[len("--"):] }

// context is that of a command. With events it also ends when the standard input does:
// then meshgate is gone, however it ended, and nobody waits for what is built.
func (a *app) context(c *cobra.Command) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(c.Context())
	if a.events {
		go func() {
			_, _ = io.Copy(io.Discard, a.in)
			cancel(errors.New("meshgate has ended"))
		}()
	}
	return ctx, func() { cancel(nil) }
}
