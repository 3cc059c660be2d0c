// Command browsercheck opens report.html in a real browser, in light and dark, at the
// width of a desk and of a phone, and says what is wrong with it: text that is hard to
// read, a page wider than its screen, a broken anchor, a word on the console, a
// request to anywhere. It fails where there is no browser: a check that did not run
// is not a check that passed.
//
//	go run ./internal/browsercheck [--out DIR] [--browser FILE] [report.json …]
//
// Without reports it makes one of its own, with more of everything than a full run has.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"meshgate/framework/report"
	"meshgate/framework/report/render/html"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "browsercheck:", err)
		os.Exit(1)
	}
}

// options is what the command line says.
type options struct {
	browser, out string
	opens        time.Duration // the time in which a page has to be there
	whole        time.Duration // the time for everything
}

func run(ctx context.Context, args []string) error {
	var o options
	flags := flag.NewFlagSet("browsercheck", flag.ContinueOnError)
	flags.StringVar(&o.browser, "browser", "", "browser to use; otherwise the first of "+names()+" in PATH")
	flags.StringVar(&o.out, "out", "", "folder for a picture of every page")
	flags.DurationVar(&o.opens, "opens", time.Second, "time in which a page has to be there")
	flags.DurationVar(&o.whole, "timeout", 5*time.Minute, "time for everything")
	if err := flags.Parse(args); err != nil {
		return err
	}
	path, err := find(o.browser, exec.LookPath)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "browsercheck-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pages, err := render(dir, flags.Args())
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, o.whole)
	defer stop()
	b, err := start(ctx, path, filepath.Join(dir, "profile"))
	if err != nil {
		return err
	}
	err = checkAll(b, o, pages)
	return errors.Join(err, b.close())
}

// sheet is a rendered page.
type sheet struct{ name, path string }

// render writes a page for each report into dir. Links to evidence are not followed,
// so the evidence need not be there.
func render(dir string, reports []string) ([]sheet, error) {
	runs := map[string]report.Run{"night": night(60, 12), "matrix": matrix(60), "empty": {ID: "empty"}}
	if len(reports) > 0 {
		clear(runs)
	}
	for i, path := range reports {
		r, err := report.Read(path)
		if err != nil {
			return nil, err
		}
		runs[fmt.Sprintf("%d-%s", i+1, r.ID)] = r
	}
	var out []sheet
	for name, r := range runs {
		data, err := html.Render(r)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, name+".html")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return nil, err
		}
		fmt.Printf("%s: %d KiB\n", name, len(data)>>10)
		out = append(out, sheet{name, path})
	}
	return out, nil
}
