package registry

import (
	"strings"

	"meshgate/framework/bundle"
)

// artefact says where a line of the catalogue is officially published.
type artefact struct {
	// Ref is what is pulled; empty means the catalogue's own name.
	Ref string `json:"ref"`
	// Digest pins the content. Where the publisher's digest could not be learnt
	// it is empty: then the lock records the one seen first and holds to it.
	Digest string `json:"digest,omitempty"`
	// Version is what is really inside, if the catalogue says something else.
	Version string `json:"version,omitempty"`
	// Contains says so to people.
	Contains string `json:"contains,omitempty"`
	// Web and Module are two places of one file that is no OCI artefact; Digest
	// is then that of the file.
	Web    string      `json:"web,omitempty"`
	Module *modulePath `json:"module,omitempty"`
}

// modulePath is a file in a Go module.
type modulePath struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	File    string `json:"file"`
}

// chartRepository publishes Istio's charts as OCI artefacts, old versions too;
// the project moved there with 1.31 and withdraws the former place.
const chartRepository = "ghcr.io/istio/release/charts/"

// official is the table of what is published elsewhere than under the
// catalogue's name, or whose digest is known.
func official() map[string]artefact {
	return map[string]artefact{
		// kind publishes node images for few patch releases; the digest is that of
		// the release notes of kind v0.33.0.
		"docker.io/kindest/node:v1.36.3": {
			Ref:      "docker.io/kindest/node:v1.36.4",
			Digest:   "sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed",
			Version:  "v1.36.4",
			Contains: "Kubernetes v1.36.4, the node image that kind v0.33.0 publishes for 1.36",
		},
		// The digests under which several public installations run these tags.
		"quay.io/metallb/controller:v0.15.2": {Digest: "sha256:417cdb6d6f9f2c410cceb84047d3a4da3bfb78b5ddfa30f4cf35ea5c667e8c2e"},
		"quay.io/metallb/speaker:v0.15.2":    {Digest: "sha256:260c9406f957c0830d4e6cd2e9ac8c05e51ac959dd2462c4c2269ac43076665a"},
		// MetalLB publishes its manifest in its repository only, which is also its
		// Go module; the digest is that of the file in the module.
		"manifests/metallb-native.yaml": {
			Web:    "https://raw.githubusercontent.com/metallb/metallb/v0.15.2/config/manifests/metallb-native.yaml",
			Module: &modulePath{Path: "go.universe.tf/metallb", Version: "v0.15.2", File: "config/manifests/metallb-native.yaml"},
			Digest: "sha256:a1b04c376fb39c93265f551fe23716a3ae6e09b790edb3bf257d3fc784c35a18",
		},
	}
}

// artefactOf completes the table by rule: images by their own name, charts by
// the name of their folder.
func (s *Source) artefactOf(c bundle.Component, name string) artefact {
	a := s.table[name]
	switch chart, ok := strings.CutPrefix(name, "charts/"+c.Name+"/"); {
	case a.Ref != "" || a.Web != "":
	case ok:
		a.Ref = chartRepository + chart + ":" + c.Version
	default:
		a.Ref = name
	}
	return a
}
