package main

import (
	"meshgate/framework/bundle"
	"meshgate/framework/testbed"

	"github.com/spf13/cobra"
)

func (a *app) bundle() *cobra.Command {
	b := &cobra.Command{
		Use:   "bundle",
		Short: "Look after what goes into the cluster: images, charts, manifests",
		Args:  unknownCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	b.AddCommand(a.bundleFill(), a.bundleList(), a.bundleVerify(), a.bundleSave(), a.bundleLoad())
	return b
}

func (a *app) bundleFill() *cobra.Command {
	return a.configured(&cobra.Command{
		Use:               "fill [component ...]",
		Short:             "Get or build what is missing (all that is not optional, unless named)",
		ValidArgsFunction: completeComponents(0),
		RunE: func(c *cobra.Command, components []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			b, err := testbed.ResolveBundle(c.Context(), cfg.Bundle, a.log, components...)
			if err != nil {
				return err
			}
			b.Close()
			return bundle.ShowList(a.out, cfg.Bundle.Dir)
		},
	}, "bundle fill", nil)
}

func (a *app) bundleList() *cobra.Command {
	return a.configured(&cobra.Command{
		Use:   "list",
		Short: "Show the lock: what is in the bundle, where from, and what it really is",
		Args:  between(0, 0),
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			return bundle.ShowList(a.out, cfg.Bundle.Dir)
		},
	}, "bundle list", nil)
}

func (a *app) bundleVerify() *cobra.Command {
	return a.configured(&cobra.Command{
		Use:   "verify",
		Short: "Recompute every digest of the bundle",
		Args:  between(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			return bundle.ShowVerify(c.Context(), a.out, cfg.Bundle.Dir, a.log)
		},
	}, "bundle verify", nil)
}

func (a *app) bundleSave() *cobra.Command {
	return a.configured(&cobra.Command{
		Use:               "save FILE [component ...]",
		Short:             "Write the bundle, or some of it, to one file for a site without a registry",
		Args:              between(1, -1),
		ValidArgsFunction: completeComponents(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			return bundle.ShowSave(c.Context(), a.out, cfg.Bundle.Dir, args[0], a.log, args[1:]...)
		},
	}, "bundle save", nil)
}

func (a *app) bundleLoad() *cobra.Command {
	return a.configured(&cobra.Command{
		Use:   "load FILE",
		Short: "Take the bundle of a file into the cache, after checking it",
		Args:  between(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			return bundle.ShowLoad(c.Context(), a.out, args[0], cfg.Bundle.Dir, a.log)
		},
	}, "bundle load", nil)
}
