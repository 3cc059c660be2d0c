// Command crictl stands in for the Kubernetes project's crictl, which cannot be
// built from what the Go module proxy serves. It answers the two commands that
// kind's library sends to a node, with what ctr knows, and refuses all others.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

const usage = "meshgate's stand-in for crictl knows `crictl images` and `crictl inspecti IMAGE`; " +
	"use `ctr --namespace k8s.io` for anything else"

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "crictl:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "images":
		return ctr(out, "images", "list")
	case len(args) == 2 && args[0] == "inspecti":
		return inspect(args[1], out)
	}
	return errors.New(usage)
}

// status is the part of crictl's answer that kind reads: an empty ID means that
// the node does not know the image under that identity, and kind then loads it.
type status struct {
	ID       string   `json:"id"`
	RepoTags []string `json:"repoTags"`
}

// inspect answers with the names of the image. The ID stays empty: ctr knows the
// digest of an image's manifest and not that of its config, which crictl gives.
func inspect(image string, out io.Writer) error {
	var names strings.Builder
	if err := ctr(&names, "images", "list", "--quiet", "name=="+image); err != nil {
		return err
	}
	answer := map[string]status{"status": {RepoTags: strings.Fields(names.String())}}
	return json.NewEncoder(out).Encode(answer)
}

func ctr(out io.Writer, args ...string) error {
	command := exec.Command("ctr", append([]string{"--namespace", "k8s.io"}, args...)...)
	command.Stdout, command.Stderr = out, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("ctr %s: %w", strings.Join(args, " "), err)
	}
	return nil
}
