package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// answerLimit bounds how long one engine may take to say who it is.
const answerLimit = 10 * time.Second

// Detect finds the engine to use: the one that want names, or for Auto the
// first that answers. The error is an *UnusableError that says for each one why
// not, and what to do next.
func Detect(ctx context.Context, run Runner, want Kind) (*Engine, error) {
	kinds := []Kind{want}
	if want == Auto || want == "" {
		kinds = Kinds()
	}
	refused := &UnusableError{}
	for _, k := range kinds {
		for _, binary := range run.Find(string(k)) {
			e, err := ask(ctx, run, k, binary)
			if err == nil {
				return e, nil
			}
			if ctx.Err() != nil {
				return nil, fmt.Errorf("look for a container engine: %w", context.Cause(ctx))
			}
			refused.add(k, binary, err)
		}
	}
	refused.wanted = kinds
	return nil, refused
}

// ask proves one client: its engine must answer, not only the client.
func ask(ctx context.Context, run Runner, k Kind, binary string) (*Engine, error) {
	ctx, stop := context.WithTimeoutCause(ctx, answerLimit, fmt.Errorf("no answer within %s", answerLimit))
	defer stop()
	switch k {
	case Podman:
		return askPodman(ctx, run, binary)
	case Docker, Nerdctl:
		return askDocker(ctx, run, k, binary)
	}
	return nil, fmt.Errorf("engine: want one of %v, got %q", Kinds(), k)
}

// dockerInfo is the part of `docker info` that we use; nerdctl writes the same.
type dockerInfo struct {
	ServerVersion, CgroupVersion, DockerRootDir, DefaultRuntime string
	ServerErrors, SecurityOptions                               []string
}

func askDocker(ctx context.Context, run Runner, k Kind, binary string) (*Engine, error) {
	out, err := run.Run(ctx, Call{Name: binary, Args: []string{"info", "--format", "{{json .}}"}})
	info := dockerInfo{}
	if jerr := json.Unmarshal(out, &info); err == nil && jerr != nil {
		return nil, fmt.Errorf("%s info: not JSON: %w", k, jerr)
	}
	// A client without an engine prints its own facts, and its complaint in the
	// JSON; whether it also fails differs between versions.
	if len(info.ServerErrors) > 0 {
		return nil, errors.New(strings.Join(info.ServerErrors, "; "))
	}
	if err != nil {
		return nil, err
	}
	if info.ServerVersion == "" {
		return nil, fmt.Errorf("%s info names no server version", k)
	}
	return &Engine{
		Kind: k, Binary: binary, Version: info.ServerVersion,
		CgroupVersion: cgroups(info.CgroupVersion), Root: info.DockerRootDir, DefaultRuntime: info.DefaultRuntime,
		Rootless: strings.Contains(strings.Join(info.SecurityOptions, ","), "name=rootless"), run: run,
	}, nil
}

// podmanInfo is the part of `podman info` that we use.
type podmanInfo struct {
	Host struct {
		CgroupVersion string `json:"cgroupVersion"`
		OCIRuntime    struct {
			Name string `json:"name"`
		} `json:"ociRuntime"`
		Security struct {
			Rootless bool `json:"rootless"`
		} `json:"security"`
	} `json:"host"`
	Store struct {
		GraphRoot string `json:"graphRoot"`
	} `json:"store"`
	Version struct {
		Version string `json:"Version"`
	} `json:"version"`
}

func askPodman(ctx context.Context, run Runner, binary string) (*Engine, error) {
	out, err := run.Run(ctx, Call{Name: binary, Args: []string{"info", "--format", "json"}})
	if err != nil {
		return nil, err
	}
	info := podmanInfo{}
	if err := json.Unmarshal(out, &info); err != nil {
		return nil, fmt.Errorf("podman info: not JSON: %w", err)
	}
	return &Engine{
		Kind: Podman, Binary: binary, Version: info.Version.Version,
		CgroupVersion: cgroups(strings.TrimPrefix(info.Host.CgroupVersion, "v")), Root: info.Store.GraphRoot,
		DefaultRuntime: info.Host.OCIRuntime.Name, Rootless: info.Host.Security.Rootless, run: run,
	}, nil
}

// cgroups reads "1" and "2"; engines older than control groups v2 say nothing.
func cgroups(version string) int {
	if version == "2" {
		return 2
	}
	return 1
}
