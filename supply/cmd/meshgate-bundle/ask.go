package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"meshgate/framework/bundle"
	"meshgate/framework/supplier"
	"meshgate/supply/source"
)

func (a *app) available() *cobra.Command {
	return &cobra.Command{
		Use:   supplier.AvailableCommand + " COMPONENT",
		Short: "Fail with the reason why a component cannot be built here",
		Args:  one,
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := a.context(c)
			defer stop()
			component, err := bundle.Find(args[0])
			if err != nil {
				return &usageError{err}
			}
			return source.New(source.Options{}).Available(ctx, component)
		},
	}
}

func (a *app) inputs() *cobra.Command {
	return &cobra.Command{
		Use:   supplier.InputsCommand + " COMPONENT",
		Short: "Print the digest of what a component would be built from",
		Args:  one,
		RunE: func(_ *cobra.Command, args []string) error {
			component, err := bundle.Find(args[0])
			if err != nil {
				return &usageError{err}
			}
			digest, err := source.New(source.Options{}).Inputs(component)
			if err != nil {
				return err
			}
			if a.events {
				return supplier.Emit(a.out, supplier.Event{Inputs: digest})
			}
			_, err = fmt.Fprintln(a.out, digest)
			return err
		},
	}
}

// one wants one argument.
func one(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return &usageError{fmt.Errorf("%s: got %d arguments: usage: %s", c.CommandPath(), len(args), c.UseLine())}
	}
	return nil
}
