package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/supplier"
	"meshgate/supply/docker"
)

func (a *app) engine() *cobra.Command {
	var want string
	var install bool
	c := &cobra.Command{
		Use:   supplier.EngineCommand,
		Short: "Start a container engine where none answers (root), or install one (Debian, Ubuntu)",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := a.context(c)
			defer stop()
			kinds := append([]engine.Kind{engine.Auto}, engine.Kinds()...)
			if !slices.Contains(kinds, engine.Kind(want)) {
				return &usageError{fmt.Errorf("engine: want one of %v, got %q", kinds, want)}
			}
			phase := a.phase("container engine")
			err := docker.Ensure(ctx, engine.Commands{}, engine.Kind(want), install, phase)
			phase.End(err)
			return err
		},
	}
	c.Flags().StringVar(&want, name(supplier.EngineFlag), string(engine.Auto), "the engine that is wanted: auto, docker, podman, nerdctl")
	c.Flags().BoolVar(&install, name(supplier.InstallFlag), false, "install docker.io, and the runtime shim where this machine lacks a capability")
	return c
}
