package istio

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"meshgate/framework/bundle"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// stock is the bundle's content for one version of Istio.
type stock struct {
	hub, tag string
	// substitute names the Envoy in the proxy image when it is not Istio's build; otherwise
	// it is empty.
	substitute string
	base       fs.FS
	istiod     fs.FS
	gateway    fs.FS
}

// shelf is the part of a bundle that the installation reads.
type shelf interface {
	Entry(name string) (bundle.Entry, error)
	Files(name string) (fs.FS, error)
}

func (f *Flavour) stock(b shelf) (stock, error) {
	s := stock{}
	pilot, proxy := image(f.component, "pilot"), image(f.component, "proxyv2")
	s.hub, s.tag = split(pilot)
	entry, err := b.Entry(proxy)
	if err != nil {
		return stock{}, err
	}
	if strings.Contains(strings.ToLower(entry.Contains), "envoy") {
		s.substitute, _, _ = strings.Cut(entry.Contains, ";") // the rest is about pilot-agent
	}
	charts := "charts/" + f.component.Name + "/"
	for name, to := range map[string]*fs.FS{"base": &s.base, "istiod": &s.istiod, "gateway": &s.gateway} {
		if *to, err = b.Files(charts + name); err != nil {
			return stock{}, fmt.Errorf("chart %s: %w", name, err)
		}
	}
	return s, nil
}

func image(c bundle.Component, name string) string {
	for _, i := range c.Images {
		if strings.Contains(i, "/"+name+":") {
			return i
		}
	}
	return ""
}

// split turns "docker.io/istio/pilot:1.31.1" into the charts' values hub and tag.
func split(image string) (hub, tag string) {
	colon, slash := strings.LastIndexByte(image, ':'), strings.LastIndexByte(image, '/')
	if slash < 0 || colon < slash {
		return "", ""
	}
	return image[:slash], image[colon+1:]
}

// loadChart reads a chart whose Chart.yaml is in the root directory.
func loadChart(fsys fs.FS) (*chart.Chart, error) {
	var files []*loader.BufferedFile
	err := eachFile(fsys, func(path string, data []byte) {
		files = append(files, &loader.BufferedFile{Name: path, Data: data})
	})
	if err != nil {
		return nil, err
	}
	return loader.LoadFiles(files)
}

func eachFile(fsys fs.FS, see func(path string, data []byte)) error {
	return fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, path)
		if err == nil {
			see(path, data)
		}
		return err
	})
}

// inputs is a digest of a chart and its values, short enough for a label: a release with the
// same digest need not be installed again.
func inputs(fsys fs.FS, values map[string]any) (string, error) {
	h := sha256.New()
	if err := eachFile(fsys, func(path string, data []byte) { fmt.Fprintf(h, "%s %d\n%s", path, len(data), data) }); err != nil {
		return "", err
	}
	v, err := json.Marshal(values) // maps are encoded in the order of their keys
	if err != nil {
		return "", fmt.Errorf("Helm values: %w", err)
	}
	h.Write(v)
	return hex.EncodeToString(h.Sum(nil))[:32], nil
}

// crdFiles are the paths of the CRDs in Istio's base charts, new and old.
var crdFiles = []string{"files/crd-all.gen.yaml", "crds/crd-all.gen.yaml"}

// crds reads the CRDs from a base chart.
func crds(base fs.FS) ([]*unstructured.Unstructured, error) {
	for _, name := range crdFiles {
		data, err := fs.ReadFile(base, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return decode(name, data)
	}
	return nil, fmt.Errorf("base chart: want its CRDs in one of %s, got none", strings.Join(crdFiles, ", "))
}

func decode(name string, data []byte) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), len(data)+1)
	for {
		o := &unstructured.Unstructured{}
		err := d.Decode(&o.Object)
		switch {
		case errors.Is(err, io.EOF):
			if len(out) == 0 {
				return nil, fmt.Errorf("%s: want objects, got an empty file", name)
			}
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(o.Object) > 0 {
			out = append(out, o)
		}
	}
}
