package probe

import (
	"context"
	"io"
)

// Execer runs a command in a container; framework/kube.Client is one.
type Execer interface {
	Exec(ctx context.Context, namespace, pod, container string, cmd []string, stdin io.Reader) (stdout, stderr []byte, err error)
}
