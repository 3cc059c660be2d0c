// Package defect puts faults into a mesh, as a bad upgrade would, sees that they are in
// effect, asks the features that must notice, and takes them out again. The suites'
// own configuration stays as it is.
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

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Defect is one fault of the mesh.
type Defect struct {
	// Name is that of its file.
	Name string `json:"-"`
	// What a user of the mesh would notice, in a sentence.
	What string `json:"what"`
	// Sees are the features that must turn red.
	Sees []Seen `json:"sees"`
	// Alone defects touch more than those features: nothing else is wrong meanwhile.
	Alone bool `json:"alone,omitempty"`
	// MeshConfig is laid over the mesh's configuration.
	MeshConfig map[string]any `json:"meshConfig,omitempty"`
	// ControlPlane are variables of istiod's environment.
	ControlPlane map[string]string `json:"controlPlane,omitempty"`
	// Shown says where it must be seen in effect while the features are asked.
	Shown Shown `json:"shown"`

	// Objects are put into the cluster, such as EnvoyFilters.
	Objects []*unstructured.Unstructured `json:"-"`
}

// Seen is a feature that must turn red, where, and for what.
type Seen struct {
	Feature string `json:"feature"` // suite/Feature
	Step    string `json:"step"`
	Field   string `json:"field"`
	// Hop is the first wrong hop that the failure must name, such as "gateway
	// istio-ingressgateway"; empty: whichever.
	Hop string `json:"hop,omitempty"`
}

// Suite is the suite of the feature.
func (s Seen) Suite() string { return path.Dir(s.Feature) }

// Name is the feature's name in it.
func (s Seen) Name() string { return path.Base(s.Feature) }

// Shown is one place where a defect in effect can be seen; one of the first three is set.
type Shown struct {
	// Gateway is the label "istio" of a gateway whose Envoy's configuration has the text.
	Gateway string `json:"gateway,omitempty"`
	// Sidecar is an application, <readable namespace>/<app>, of the first feature's suite,
	// whose Envoy's configuration has the text.
	Sidecar string `json:"sidecar,omitempty"`
	// Object is Secret or a kind of networking.istio.io, of which an object carries the annotation
	// meshgate.io/defect with the defect's name.
	Object string `json:"object,omitempty"`
	// Contains is the text; by default the defect's marker.
	Contains string `json:"contains,omitempty"`
}

// annotation marks objects that a defect has rewritten.
const annotation = "meshgate.io/defect"

// marker is the text that a defect leaves in the configuration that it brings about.
func (d Defect) marker() string {
	if d.Shown.Contains != "" {
		return d.Shown.Contains
	}
	return "meshgate-defect-" + d.Name
}

// Load reads a catalogue: of each file the first document is the defect, and the others
// are its objects. An unknown field is an error that names file and field.
func Load(fsys fs.FS) ([]Defect, error) {
	files, err := fs.Glob(fsys, "*.yaml")
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, errors.New("catalogue of defects: no file in it"))
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

// head is the first document.
type head struct {
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
		return Defect{}, errors.Join(err, errors.New("no document in it"))
	}
	var h head
	if err := yaml.UnmarshalStrict(documents[0], &h); err != nil {
		return Defect{}, err
	}
	d := h.Spec
	d.Name = h.Metadata.Name
	if h.APIVersion != "meshgate/v1" || h.Kind != "Defect" || d.Name != strings.TrimSuffix(path.Base(file), ".yaml") {
		return Defect{}, fmt.Errorf("want meshgate/v1 Defect of the file's name, got %s %s %q", h.APIVersion, h.Kind, d.Name)
	}
	for _, text := range documents[1:] {
		o := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict(text, &o.Object); err != nil {
			return Defect{}, err
		}
		d.Objects = append(d.Objects, o)
	}
	return d, d.validate()
}

// documentsOf leaves out those that hold comments alone.
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
	want(len(d.Objects)+len(d.MeshConfig)+len(d.ControlPlane) > 0, "it changes nothing: want objects, meshConfig or controlPlane")
	want(d.Alone || len(d.MeshConfig)+len(d.ControlPlane) == 0, "what changes the whole mesh is alone")
	places := slices.DeleteFunc([]string{d.Shown.Gateway, d.Shown.Sidecar, d.Shown.Object}, func(s string) bool { return s == "" })
	want(len(places) == 1, "spec.shown: want one of gateway, sidecar, object")
	return errors.Join(errs...)
}

// most is how many features see the defects of a batch, at the most: they are asked side by
// side, and a machine that is too busy sees nothing.
const most = 10

// Batches are defects that can be in the mesh at the same time: those that are not alone,
// and of which no two are seen by the same feature.
func Batches(all []Defect) [][]Defect {
	var batches [][]Defect
	var taken []map[string]bool // the features of each batch; nil: closed
	for _, d := range all {
		i := slices.IndexFunc(taken, func(t map[string]bool) bool { return t != nil && len(t) < most && !d.Alone && !d.meets(t) })
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

func (d Defect) meets(features map[string]bool) bool {
	return slices.ContainsFunc(d.Sees, func(s Seen) bool { return features[s.Feature] })
}
