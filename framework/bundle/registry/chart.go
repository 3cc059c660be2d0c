package registry

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"meshgate/framework/bundle"
)

// files fetches one tree of files of c into w: a chart, or a file on the web.
func (p *puller) files(ctx context.Context, c bundle.Component, artefactName string, w bundle.Writer) error {
	a := p.source.artefactOf(c, artefactName)
	if a.Web == "" {
		return p.chart(ctx, artefactName, a, w)
	}
	data, origin, err := p.source.file(ctx, a)
	if err != nil {
		return fmt.Errorf("%s: %w", artefactName, err)
	}
	fsys, err := bundle.FilesFS(map[string][]byte{path.Base(artefactName): data})
	if err != nil {
		return fmt.Errorf("%s: %w", artefactName, err)
	}
	return w.Files(bundle.Entry{Name: artefactName, Origin: origin}, fsys)
}

// chart pulls a Helm chart, which is an OCI artefact with one packed layer.
func (p *puller) chart(ctx context.Context, artefactName string, a artefact, w bundle.Writer) error {
	desc, err := p.get(ctx, artefactName, a)
	if err != nil {
		return err
	}
	fsys, err := p.chartFiles(desc)
	if err != nil {
		return fmt.Errorf("%s: %w", artefactName, p.source.explain(desc.ref, err))
	}
	return w.Files(bundle.Entry{Name: artefactName, Origin: p.origin(a, desc)}, fsys)
}

func (p *puller) chartFiles(desc *found) (fs.FS, error) {
	img, err := desc.Image()
	if err != nil {
		return nil, err
	}
	m, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	for _, d := range m.Layers {
		if !strings.Contains(string(d.MediaType), "helm.chart.content") {
			continue
		}
		layer, err := img.LayerByDigest(d.Digest)
		if err != nil {
			return nil, err
		}
		return unpackChart(layer)
	}
	return nil, fmt.Errorf("it is no Helm chart: it has no layer of type helm.chart.content")
}

// unpackChart reads the chart's archive; the folder that it is in goes.
func unpackChart(layer v1.Layer) (fs.FS, error) {
	r, err := layer.Compressed()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	// Read whole before anything is unpacked, so that its digest has been seen.
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("unpack chart: %w", err)
	}
	fsys, err := bundle.TarFS(z, 1)
	if err != nil {
		return nil, err
	}
	if _, err := fs.Stat(fsys, "Chart.yaml"); err != nil {
		return nil, fmt.Errorf("unpack chart: %w", err)
	}
	return fsys, nil
}
