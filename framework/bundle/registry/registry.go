// Package registry takes components of a bundle from where their projects
// publish them: images and charts from container registries, or from one mirror
// of them all.
package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"meshgate/framework/bundle"
	"meshgate/framework/progress"
)

// Options say how registries are reached. The zero value asks the official
// registries with the credentials of the user's Docker configuration and the
// proxies of the environment.
type Options struct {
	// Mirror is a registry that has all images and charts, "host[:port][/prefix]",
	// asked instead of the official ones: first for
	// prefix/docker.io/istio/pilot, then for prefix/istio/pilot. With "http://"
	// before it, without TLS.
	Mirror string
	// Keychain has the credentials; nil means those of the Docker configuration.
	Keychain authn.Keychain
	// PingWithin is how long a registry may take to answer the first question
	// before it counts as out of reach; 0 means 4 seconds.
	PingWithin time.Duration
	// StallAfter is how long a transfer may stand still; 0 means one minute.
	StallAfter time.Duration
}

// Source implements bundle.Source and bundle.Sparer. Use one for each run: it
// asks each registry once whether it is there.
type Source struct {
	options   Options
	mirror    string // host[/prefix], without a scheme
	insecure  bool
	transport http.RoundTripper
	table     map[string]artefact

	mu    sync.Mutex
	asked map[string]error // by host
}

var (
	_ bundle.Source = (*Source)(nil)
	_ bundle.Sparer = (*Source)(nil)
)

// New makes the source; the error is about a mirror that cannot be one.
func New(o Options) (*Source, error) {
	if o.Keychain == nil {
		o.Keychain = authn.DefaultKeychain
	}
	if o.PingWithin == 0 {
		o.PingWithin = 4 * time.Second
	}
	if o.StallAfter == 0 {
		o.StallAfter = time.Minute
	}
	s := &Source{options: o, table: official(), asked: map[string]error{}, transport: newTransport(o)}
	return s, s.setMirror(o.Mirror)
}

func (s *Source) setMirror(mirror string) error {
	rest, insecure := strings.CutPrefix(mirror, "http://")
	s.insecure = insecure
	s.mirror = strings.Trim(strings.TrimPrefix(rest, "https://"), "/")
	if mirror == "" {
		return nil
	}
	host, _, _ := strings.Cut(s.mirror, "/")
	_, err := name.NewRegistry(host, name.StrictValidation)
	if err == nil {
		_, err = s.parse(s.mirror + "/probe:latest")
	}
	if err != nil {
		return fmt.Errorf("registry mirror: want host[:port][/prefix], got %q: %w", mirror, err)
	}
	return nil
}

// Name implements bundle.Source.
func (s *Source) Name() string { return bundle.SourceRegistry }

// Spares implements bundle.Sparer: kind's own node image brings kindnet, which
// enforces NetworkPolicy, so that no other CNI is needed.
func (s *Source) Spares(c bundle.Component) map[string]string {
	if c.Name != "node" {
		return nil
	}
	return map[string]string{"calico": "the official node image brings kind's own CNI, which enforces NetworkPolicy"}
}

// Inputs implements bundle.Source: the digest over what is asked for, that is
// names, tags and pins.
func (s *Source) Inputs(c bundle.Component) (string, error) {
	if offered(c) != nil {
		return "", nil
	}
	asked := map[string]artefact{}
	for _, name := range slices.Concat(c.Images, c.Files) {
		asked[name] = s.artefactOf(c, name)
	}
	raw, err := json.Marshal(asked) // keys come sorted
	if err != nil {
		return "", fmt.Errorf("%s: %w", c.Name, err)
	}
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// offered is the reason why no registry has c, or nil.
func offered(c bundle.Component) error {
	switch {
	case c.Own:
		return errors.New("has no applications of meshgate: they are built")
	case c.Name == "calico":
		return errors.New("is not asked for a CNI: the official node image brings one")
	}
	return nil
}

// Available implements bundle.Source: every registry that c needs answers. Each
// is asked once in the life of the Source.
func (s *Source) Available(ctx context.Context, c bundle.Component) error {
	if err := offered(c); err != nil {
		return err
	}
	for _, artefactName := range slices.Concat(c.Images, c.Files) {
		a := s.artefactOf(c, artefactName)
		if a.Ref == "" {
			continue
		}
		refs, err := s.refs(a)
		if err != nil {
			return err
		}
		if err := s.ping(ctx, refs[0].Context().Registry); err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) ping(ctx context.Context, r name.Registry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	host := hostText(r)
	if err, known := s.asked[host]; known {
		return err
	}
	within, cancel := context.WithTimeout(ctx, s.options.PingWithin)
	defer cancel()
	_, err := transport.Ping(within, r, s.transport)
	if ctx.Err() != nil {
		return ctx.Err() // says nothing about the registry
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", host, err)
	}
	s.asked[host] = err
	return err
}

// hostText is a registry's host as people know it.
func hostText(r name.Registry) string {
	if r.RegistryStr() == name.DefaultRegistry {
		return "docker.io"
	}
	return r.RegistryStr()
}

// Fetch implements bundle.Source.
func (s *Source) Fetch(ctx context.Context, c bundle.Component, w bundle.Writer, log progress.Phase) error {
	p, err := s.newPuller()
	if err != nil {
		return err
	}
	for _, name := range c.Images {
		log.Waiting(name)
		if err := p.image(ctx, c, name, w, log); err != nil {
			return err
		}
	}
	for _, name := range c.Files {
		log.Waiting(name)
		if err := p.files(ctx, c, name, w); err != nil {
			return err
		}
	}
	return nil
}
