package layer

import (
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Image makes an image of the layers, lowest first. Its digest depends on the
// layers, the configuration and the architecture and on nothing else.
func Image(architecture string, config v1.Config, layers ...*Layer) (v1.Image, error) {
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	var adds []mutate.Addendum
	for _, l := range layers {
		adds = append(adds, mutate.Addendum{
			Layer: l, MediaType: types.OCIUncompressedLayer,
			History: v1.History{Created: v1.Time{Time: time.Unix(0, 0)}, CreatedBy: "meshgate bundle"},
		})
	}
	img, err := mutate.Append(img, adds...)
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", architecture
	file.Created = v1.Time{Time: time.Unix(0, 0).UTC()}
	file.Config = config
	if img, err = mutate.ConfigFile(img, file); err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	return img, nil
}
