// Package defect injects faults into a mesh, as a bad upgrade would, checks that they are in
// effect, runs the features that must detect them, and reverts them. It does not change the
// suites' own configuration.
package defect

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"meshgate/framework/manifest"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Defect is one fault of the mesh.
type Defect struct {
	// Name is the name of its file without .yaml.
	Name string `json:"-"`
	// What is a sentence that says what a user of the mesh would notice.
	What string `json:"what"`
	// Sees are the features that must turn red.
	Sees []Seen `json:"sees"`
	// Alone says that the defect affects other features too, so that it is injected alone.
	Alone bool `json:"alone,omitempty"`
	// MeshConfig is merged into Istio's mesh configuration.
	MeshConfig map[string]any `json:"meshConfig,omitempty"`
	// ControlPlane are environment variables of istiod.
	ControlPlane map[string]string `json:"controlPlane,omitempty"`
	// Shown is the place where the defect must be seen in effect while the features run.
	Shown Shown `json:"shown"`

	// Objects are applied to the cluster, such as EnvoyFilters.
	Objects []*unstructured.Unstructured `json:"-"`
}

// Seen is a feature that must turn red, with the step and the mismatch that must fail.
type Seen struct {
	Feature string `json:"feature"` // suite/Feature
	Step    string `json:"step"`
	Field   string `json:"field"`
	// Hop is the first wrong hop that the failure must name, such as "gateway
	// istio-ingressgateway"; empty means any hop.
	Hop string `json:"hop,omitempty"`
}

// Suite is the name of the feature's suite.
func (s Seen) Suite() string { return path.Dir(s.Feature) }

// Name is the feature's name in its suite.
func (s Seen) Name() string { return path.Base(s.Feature) }

// Shown is one place where a defect in effect can be seen; one of the first three is set.
type Shown struct {
	// Gateway is the label "istio" of a gateway whose Envoy configuration contains the text.
	Gateway string `json:"gateway,omitempty"`
	// Sidecar is an application, <readable namespace>/<app>, of the first feature's suite,
	// whose Envoy configuration contains the text.
	Sidecar string `json:"sidecar,omitempty"`
	// Object is Secret or a kind of networking.istio.io; one such object must carry the
	// annotation meshgate.io/defect with the defect's name.
	Object string `json:"object,omitempty"`
	// Contains is the text; the default is the defect's marker.
	Contains string `json:"contains,omitempty"`
}

// annotation marks objects that a defect's admission policy has changed.
const annotation = "meshgate.io/defect"

// marker is the text by which a defect is found in the configuration that it produces.
func (d Defect) marker() string {
	if d.Shown.Contains != "" {
		return d.Shown.Contains
	}
	return "meshgate-defect-" + d.Name
}

// Load reads a catalogue: the first document of each file is the defect, the others are its
// objects. An unknown field, also of an object or of the mesh configuration, is an error
// that names file and field.
func Load(fsys fs.FS) ([]Defect, error) {
	files, err := fs.Glob(fsys, "*.yaml")
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, errors.New("catalogue of defects: want at least one YAML file, got none"))
	}
	var all []Defect
	for _, file := range files {
		d, err := load(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("defect %s: %w", file, err)
		}
		all = append(all, d)
	}
	return all, nil
}

// document is the first document of a file.
type document struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec Defect `json:"spec"`
}

func load(fsys fs.FS, file string) (Defect, error) {
	documents, err := documentsOf(fsys, file)
	if err != nil || len(documents) == 0 {
		return Defect{}, errors.Join(err, errors.New("want at least one document, got none"))
	}
	var h document
	if err := yaml.UnmarshalStrict(documents[0], &h); err != nil {
		return Defect{}, err
	}
	d := h.Spec
	d.Name = h.Metadata.Name
	if h.APIVersion != "meshgate/v1" || h.Kind != "Defect" || d.Name != strings.TrimSuffix(path.Base(file), ".yaml") {
		return Defect{}, fmt.Errorf("want a Defect of meshgate/v1 that is named after the file, got %s %s %q", h.APIVersion, h.Kind, d.Name)
	}
	for _, text := range documents[1:] {
		o, err := manifest.Parse(text)
		if err != nil {
			return Defect{}, err
		}
		d.Objects = append(d.Objects, o)
	}
	return d, d.validate()
}

// documentsOf returns the documents of a file, without those that contain only comments.
func documentsOf(fsys fs.FS, file string) ([][]byte, error) {
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, err
	}
	var all [][]byte
	r := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		text, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		var content any
		if err := yaml.Unmarshal(text, &content); err != nil {
			return nil, err
		}
		if content != nil {
			all = append(all, text)
		}
	}
}

func (d Defect) validate() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	want(d.What != "", "spec.what: want a sentence")
	want(len(d.Sees) > 0, "spec.sees: want at least one feature")
	for _, s := range d.Sees {
		want(strings.Count(s.Feature, "/") == 1 && s.Step != "" && s.Field != "", "spec.sees: want feature (suite/Feature), step and field, got %+v", s)
	}
	want(len(d.Objects)+len(d.MeshConfig)+len(d.ControlPlane) > 0, "spec: the defect changes nothing: want objects, meshConfig or controlPlane")
	want(d.Alone || len(d.MeshConfig)+len(d.ControlPlane) == 0, "spec.alone: want true for a defect with meshConfig or controlPlane, because it changes the whole mesh")
	if err := manifest.CheckMessage("spec.meshConfig", d.MeshConfig, &meshconfig.MeshConfig{}); err != nil {
		errs = append(errs, err)
	}
	places := slices.DeleteFunc([]string{d.Shown.Gateway, d.Shown.Sidecar, d.Shown.Object}, func(s string) bool { return s == "" })
	want(len(places) == 1, "spec.shown: want one of gateway, sidecar, object")
	return errors.Join(errs...)
}

// maxFeaturesPerBatch bounds the features that run for one batch of defects: they run in
// parallel, and on an overloaded machine they would fail for other reasons.
const maxFeaturesPerBatch = 10

// Batches groups defects that can be in the mesh at the same time: defects that are not
// Alone and of which no two are seen by the same feature.
func Batches(all []Defect) [][]Defect {
	var batches [][]Defect
	var taken []map[string]bool // the features of each batch; nil when the batch takes no further defect
	for _, d := range all {
		i := slices.IndexFunc(taken, func(t map[string]bool) bool {
			return t != nil && len(t) < maxFeaturesPerBatch && !d.Alone && !d.sharesFeature(t)
		})
		if i < 0 {
			i = len(batches)
			batches, taken = append(batches, nil), append(taken, map[string]bool{})
		}
		batches[i] = append(batches[i], d)
		for _, s := range d.Sees {
			taken[i][s.Feature] = true
		}
		if d.Alone {
			taken[i] = nil
		}
	}
	return batches
}

func (d Defect) sharesFeature(features map[string]bool) bool {
	return slices.ContainsFunc(d.Sees, func(s Seen) bool { return features[s.Feature] })
}
