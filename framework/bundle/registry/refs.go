package registry

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// refs are the places to ask for a, in order: by digest where it is pinned.
func (s *Source) refs(a artefact) ([]name.Reference, error) {
	places := []string{a.Ref}
	if s.mirror != "" {
		_, path, _ := strings.Cut(a.Ref, "/")
		places = []string{s.mirror + "/" + a.Ref, s.mirror + "/" + path}
	}
	var out []name.Reference
	for _, place := range places {
		if a.Digest != "" {
			place = repository(place) + "@" + a.Digest
		}
		ref, err := s.parse(place)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.Ref, err)
		}
		out = append(out, ref)
	}
	return out, nil
}

func (s *Source) parse(ref string) (name.Reference, error) {
	options := []name.Option{name.StrictValidation}
	if s.insecure {
		options = append(options, name.Insecure)
	}
	return name.ParseReference(ref, options...)
}

// repository is a reference without its tag; a colon before the last slash
// belongs to a port.
func repository(ref string) string {
	if i := strings.LastIndex(ref, ":"); i > strings.LastIndex(ref, "/") {
		return ref[:i]
	}
	return ref
}
