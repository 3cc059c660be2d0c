package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"meshgate/framework/bundle"
	"meshgate/framework/progress"
)

// attempts is how often a transfer that broke off is taken up again. Finished
// layers are not asked for again, so each attempt has less to do.
const attempts = 3

// puller is the source during one Fetch.
type puller struct {
	source *Source
	remote *remote.Puller
}

func (s *Source) newPuller() (*puller, error) {
	osName, arch, _ := strings.Cut(bundle.Platform(), "/")
	p, err := remote.NewPuller(
		remote.WithTransport(s.transport),
		remote.WithAuthFromKeychain(s.options.Keychain),
		remote.WithPlatform(v1.Platform{OS: osName, Architecture: arch}),
	)
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	return &puller{source: s, remote: p}, nil
}

// image pulls one image of c into w.
func (p *puller) image(ctx context.Context, c bundle.Component, artefactName string, w bundle.Writer, log progress.Phase) error {
	a := p.source.artefactOf(c, artefactName)
	desc, err := p.get(ctx, artefactName, a)
	if err != nil {
		return err
	}
	e := bundle.Entry{Name: artefactName, Version: a.Version, Origin: p.origin(a, desc), Contains: a.Contains}
	for attempt := 1; ; attempt++ {
		img, err := desc.Image()
		if err == nil {
			err = w.Image(e, img)
		}
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || attempt == attempts || !brokeOff(err) {
			return p.source.explain(desc.ref, err)
		}
		log.Note("%s: the transfer broke off (%v): attempt %d of %d", artefactName, err, attempt+1, attempts)
	}
}

// found is an artefact at the place that had it.
type found struct {
	*remote.Descriptor
	ref name.Reference
}

// get asks the places of a in turn; the errors of all of them are told.
func (p *puller) get(ctx context.Context, artefactName string, a artefact) (*found, error) {
	refs, err := p.source.refs(a)
	if err != nil {
		return nil, err
	}
	failed := fmt.Errorf("%s is not to be had", artefactName)
	for _, ref := range refs {
		desc, err := p.remote.Get(ctx, ref)
		if err == nil {
			return &found{Descriptor: desc, ref: ref}, nil
		}
		failed = fmt.Errorf("%w; %w", failed, p.source.explain(ref, err))
		if !notHere(err) {
			break
		}
	}
	return nil, failed
}

// origin is the upstream name with the digest that was delivered, and the
// mirror that delivered it.
func (p *puller) origin(a artefact, desc *found) string {
	out := repository(a.Ref) + "@" + desc.Digest.String()
	if p.source.mirror != "" {
		out += " by mirror " + p.source.mirror
	}
	return out
}

// brokeOff tells a transfer that ended early from content that is wrong: only
// the first is worth another attempt.
func brokeOff(err error) bool {
	var network net.Error
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.As(err, &network)
}

// explain says where was asked, and what to do.
func (s *Source) explain(ref name.Reference, err error) error {
	host := hostText(ref.Context().Registry)
	hint := ""
	switch status(err) {
	case 401, 403:
		hint = fmt.Sprintf(" (not allowed, or not there: `docker login %s` gives access)", host)
	case 404:
		hint = " (it is not there)"
	case 429:
		hint = fmt.Sprintf(" (too many pulls: `docker login %s`, or a mirror)", host)
	}
	return fmt.Errorf("from %s%s: %w", refText(ref), hint, err)
}

// refText is a reference as people write it.
func refText(ref name.Reference) string {
	return strings.Replace(ref.Name(), name.DefaultRegistry+"/", "docker.io/", 1)
}
