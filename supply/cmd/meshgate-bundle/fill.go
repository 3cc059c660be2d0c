package main

import (
	"context"

	"github.com/spf13/cobra"

	"meshgate/framework/bundle"
	"meshgate/framework/progress"
	"meshgate/framework/supplier"
	"meshgate/supply/source"
)

func (a *app) fill() *cobra.Command {
	var dir string
	var next []string
	c := &cobra.Command{
		Use:   supplier.FillCommand + " [component ...]",
		Short: "Build what is missing into the bundle (all that is not optional, unless named)",
		RunE: func(c *cobra.Command, components []string) error {
			ctx, stop := a.context(c)
			defer stop()
			builder, err := a.builder(next)
			if err != nil {
				return err
			}
			b, err := bundle.Resolve(ctx, a.options(dir, builder), components)
			if err != nil {
				return err
			}
			b.Close()
			if a.events {
				return nil
			}
			return bundle.ShowList(a.out, b.Dir())
		},
	}
	c.Flags().StringVar(&dir, name(supplier.DirFlag), "", "folder of the bundle (default: meshgate/bundle in the user's cache folder)")
	c.Flags().StringSliceVar(&next, name(supplier.NextFlag), nil, "components that will be asked for next: their modules are downloaded ahead")
	return c
}

// options has Resolve tell people every decision. meshgate decided already, and is
// told of the build alone.
func (a *app) options(dir string, builder bundle.Source) bundle.Options {
	o := bundle.Options{Dir: dir, Source: bundle.SourceBuild, Sources: []bundle.Source{builder}}
	if !a.events {
		o.Log = a.log
	}
	return o
}

// builder is the source that builds, told what comes after this run.
func (a *app) builder(next []string) (bundle.Source, error) {
	b := &ahead{Source: source.New(source.Options{})}
	for _, name := range next {
		c, err := bundle.Find(name)
		if err != nil {
			return nil, &usageError{err}
		}
		b.next = append(b.next, c)
	}
	if a.events {
		b.phase = a.phase("")
	}
	return b, nil
}

// ahead is the source with what meshgate knows: which components the next runs will
// build, and the phase in which it shows this one.
type ahead struct {
	*source.Source
	next  []bundle.Component
	phase progress.Phase // nil: the one that Resolve begins
}

// Plan implements bundle.Planner.
func (b *ahead) Plan(next []bundle.Component) { b.Source.Plan(append(next, b.next...)) }

// Fetch implements bundle.Source.
func (b *ahead) Fetch(ctx context.Context, c bundle.Component, w bundle.Writer, log progress.Phase) error {
	if b.phase != nil {
		log = b.phase
	}
	return b.Source.Fetch(ctx, c, w, log)
}
