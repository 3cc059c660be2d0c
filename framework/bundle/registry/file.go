package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
)

// maxFile bounds a single file that is fetched from the web, in bytes.
const maxFile = 16 << 20

// file fetches a file that is no OCI artefact: from the project's own site, and
// where that is out of reach, out of the project's Go module. Both must be the
// same bytes.
func (s *Source) file(ctx context.Context, a artefact) (data []byte, origin string, err error) {
	data, webErr := s.web(ctx, a)
	if webErr == nil {
		return data, a.Web, nil
	}
	if a.Module == nil || ctx.Err() != nil {
		return nil, "", webErr
	}
	data, modErr := fromModule(ctx, *a.Module)
	if modErr == nil {
		modErr = pinned(data, a.Digest)
	}
	if modErr != nil {
		return nil, "", errors.Join(webErr, modErr)
	}
	return data, fmt.Sprintf("Go module %s %s, %s", a.Module.Path, a.Module.Version, a.Module.File), nil
}

func (s *Source) web(ctx context.Context, a artefact) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Web, nil)
	if err != nil {
		return nil, err
	}
	res, err := (&http.Client{Transport: s.transport}).Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: want 200, got %s", a.Web, res.Status)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Web, err)
	}
	if err := pinned(data, a.Digest); err != nil {
		return nil, fmt.Errorf("%s: %w", a.Web, err)
	}
	return data, nil
}

func pinned(data []byte, want string) error {
	sum := sha256.Sum256(data)
	if got := "sha256:" + hex.EncodeToString(sum[:]); got != want {
		return fmt.Errorf("want %s, got %s (%d bytes)", want, got, len(data))
	}
	return nil
}

// fromModule reads a file out of a Go module, by way of the user's own Go
// command, proxy and cache.
func fromModule(ctx context.Context, m modulePath) ([]byte, error) {
	object := m.Path + "@" + m.Version
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", object)
	cmd.Dir = os.TempDir() // the module of the working directory has no say
	out, err := cmd.Output()
	var got struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &got); err == nil {
		err = jsonErr
	}
	if got.Error != "" {
		err = errors.New(got.Error)
	}
	if err != nil {
		return nil, fmt.Errorf("Go module %s: %w", object, err)
	}
	data, err := os.ReadFile(filepath.Join(got.Dir, filepath.FromSlash(m.File)))
	if err != nil {
		return nil, fmt.Errorf("Go module %s: %w", object, err)
	}
	return data, nil
}
