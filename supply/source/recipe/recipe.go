// Package recipe reads how a component of the bundle is made. A recipe is data:
// programs out of Go modules, packages of the host's own distribution, files out
// of Python wheels, and the layers, images and file trees made of them. It holds
// no commands; package source knows how each thing is done.
package recipe

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// File is the name of a recipe in its folder.
const File = "recipe.yaml"

// Recipe says how one component is made.
type Recipe struct {
	Component string `json:"component"`
	Version   string `json:"version"`

	Builds []Build  `json:"builds,omitempty"`
	RootFS []RootFS `json:"rootfs,omitempty"`
	Wheels []Wheel  `json:"wheels,omitempty"`

	Layers []Layer `json:"layers,omitempty"`
	// Baked images are put into others and are not written to the bundle.
	Baked  []Image `json:"baked,omitempty"`
	Images []Image `json:"images,omitempty"`
	Files  []Files `json:"files,omitempty"`

	// RoomGiB is the free disk that a build with empty caches takes, Go's caches and
	// its own folder together; 0 is not checked. Nothing is made of it.
	RoomGiB int `json:"roomGiB,omitempty"`

	// Dir is the recipe's folder.
	Dir string `json:"-"`
}

// Build is one run of the Go compiler for programs of one Go module.
type Build struct {
	// Module is the folder with the go.mod, relative to the recipe; empty for the
	// recipe's own folder.
	Module string `json:"module,omitempty"`
	// Programs maps a name, unique in the recipe, to the import path or "./folder"
	// of a main package.
	Programs map[string]string `json:"programs"`
	Tags     []string          `json:"tags,omitempty"`
	// Vars are string variables set by the linker, by "import/path.name".
	Vars map[string]string `json:"vars,omitempty"`
	CGO  bool              `json:"cgo,omitempty"`
	// Libraries are the C libraries that CGO needs: the name that pkg-config knows,
	// and the distribution's package that has it.
	Libraries map[string]string `json:"libraries,omitempty"`
	// Vendored are put into packages of other modules before those are compiled. The
	// module then needs a tools.go that imports the programs, and its go.mod may not
	// replace modules by folders beside it: both are copied away from there.
	Vendored []Vendored `json:"vendored,omitempty"`
}

// Vendored is a file that a package embeds and its module does not publish.
type Vendored struct {
	To   string `json:"to"`   // the package's import path and the file's name in it
	File string `json:"file"` // a file of the recipe
}

// RootFS is a root file system made of the distribution's packages.
type RootFS struct {
	Name     string   `json:"name"`
	Packages []string `json:"packages"`
	// Installed runs the packages' install scripts, as for a machine that boots.
	// Without it the packages are only unpacked, which is quicker and smaller.
	Installed bool `json:"installed,omitempty"`
	// Remove are patterns (path.Match) of paths that are left out, with all below.
	Remove []string `json:"remove,omitempty"`
	// Join maps a path to the pattern of files whose contents it gets, in order.
	Join map[string]string `json:"join,omitempty"`
}

// Wheel is one file out of a Python wheel.
type Wheel struct {
	Name string `json:"name"`
	// Requirements is a pip requirements file of the recipe, with version and hash.
	Requirements string `json:"requirements"`
	// Path is the file inside the wheel.
	Path string `json:"path"`
}

// Layer is a layer of images: a root file system, or files, or both.
type Layer struct {
	Name     string    `json:"name"`
	RootFS   string    `json:"rootfs,omitempty"`
	Contents []Content `json:"contents,omitempty"`
}

// Content is one thing at path To of a layer; exactly one of the sources is set.
type Content struct {
	To   string `json:"to"`
	Mode string `json:"mode,omitempty"` // octal; programs 0755, others 0644

	Program string      `json:"program,omitempty"` // a name of Build.Programs
	Wheel   string      `json:"wheel,omitempty"`   // a name of Wheels
	File    string      `json:"file,omitempty"`    // a file of the recipe
	Module  *ModulePath `json:"module,omitempty"`  // a file or folder of a Go module
	Text    string      `json:"text,omitempty"`    // the text itself
	Link    string      `json:"link,omitempty"`    // a symbolic link to this
	Folder  bool        `json:"folder,omitempty"`  // an empty folder
}

// ModulePath is a file or folder inside a Go module.
type ModulePath struct {
	// In is the folder with the go.mod that pins the module, relative to the recipe.
	In   string `json:"in,omitempty"`
	Name string `json:"name"` // "istio.io/istio"
	Path string `json:"path"`
}

// Image is a container image.
type Image struct {
	Name string `json:"name"`
	// Alias are further names of a baked image.
	Alias []string `json:"alias,omitempty"`
	// Origin are the Go modules and wheels that it is made of, for the lock; none
	// means that it is made of the checkout's own packages.
	Origin []Origin `json:"origin,omitempty"`
	// Contains says what is inside if that is not the build the name promises.
	Contains string `json:"contains,omitempty"`

	Layers []string `json:"layers"`
	// Bake puts these baked images, unpacked, into containerd's store inside the
	// image, so that a node has them without any import.
	Bake *Bake `json:"bake,omitempty"`

	Entrypoint []string          `json:"entrypoint,omitempty"`
	Cmd        []string          `json:"cmd,omitempty"`
	Env        []string          `json:"env,omitempty"` // "NAME=value"
	User       string            `json:"user,omitempty"`
	WorkDir    string            `json:"workdir,omitempty"`
	StopSignal string            `json:"stopsignal,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
	Ports      []string          `json:"ports,omitempty"` // "9080/tcp"
}

// Origin is a Go module, at the version that the go.mod in folder In pins, or a
// wheel of the recipe.
type Origin struct {
	Module string `json:"module,omitempty"`
	In     string `json:"in,omitempty"`
	Wheel  string `json:"wheel,omitempty"`
}

// Bake is what is put into an image's containerd store, and the programs that do it.
type Bake struct {
	Images     []string `json:"images"`
	Containerd string   `json:"containerd"` // a name of Build.Programs
	Ctr        string   `json:"ctr"`
	Root       string   `json:"root"` // of containerd in the image: "/var/lib/containerd"
}

// Files is a tree of files of the bundle, taken out of a Go module.
type Files struct {
	Name     string     `json:"name"` // "charts/istio-1.31/base", "manifests/metallb-native.yaml"
	Contains string     `json:"contains,omitempty"`
	Module   ModulePath `json:"module"`
}

// Load reads and checks the recipe in dir.
func Load(dir string) (*Recipe, error) {
	path := filepath.Join(dir, File)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	r := &Recipe{}
	if err := yaml.UnmarshalStrict(raw, r); err != nil {
		return nil, fmt.Errorf("recipe %s: %w", path, err)
	}
	r.Dir = dir
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("recipe %s: %w", path, err)
	}
	return r, nil
}

// ModuleDir is the folder of a go.mod that the recipe names.
func (r *Recipe) ModuleDir(module string) string { return filepath.Join(r.Dir, module) }

// Requirement is the package and version of a wheel, "name 1.2.3".
func (r *Recipe) Requirement(wheel string) (string, error) {
	for _, w := range r.Wheels {
		if w.Name == wheel {
			line, err := r.requirement(w)
			requirement, _, _ := strings.Cut(line, " ")
			return strings.Replace(requirement, "==", " ", 1), err
		}
	}
	return "", fmt.Errorf("recipe %s: there is no wheel %q", r.Component, wheel)
}
