package bundle

import (
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The annotations by which other tools find an image's name in a layout:
// containerd's for the full name, the OCI's for a reference.
const (
	annotationName = "io.containerd.image.name"
	annotationRef  = "org.opencontainers.image.ref.name"
)

// commit makes l the lock of the bundle. The index is written first: it only
// serves other tools, and the lock must never promise what is not there.
func (s store) commit(l Lock) error {
	index, err := s.index(l.Entries)
	if err != nil {
		return err
	}
	if err := s.writeFile("index.json", index); err != nil {
		return err
	}
	raw, err := l.encode()
	if err != nil {
		return err
	}
	return s.writeFile(lockFile, raw)
}

// index is the layout's index over those of the entries that can be read.
func (s store) index(entries []Entry) ([]byte, error) {
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
	for _, e := range entries {
		// A damaged component must not keep others from being written.
		if d, err := s.descriptor(e); err == nil {
			index.Manifests = append(index.Manifests, d)
		}
	}
	raw, err := json.MarshalIndent(index, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("bundle index: %w", err)
	}
	return append(raw, '\n'), nil
}

func (s store) descriptor(e Entry) (v1.Descriptor, error) {
	h, err := v1.NewHash(e.Digest)
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("%s: %w", e.Name, err)
	}
	core, err := s.core(h)
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("%s: %w", e.Name, err)
	}
	mt, err := core.MediaType()
	return v1.Descriptor{
		MediaType: mt, Digest: h, Size: int64(len(core.manifest)),
		Annotations: map[string]string{annotationName: e.Name, annotationRef: e.Name},
	}, err
}
