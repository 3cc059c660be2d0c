package recipe

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// check refuses a recipe that refers to something it does not have. All that is
// wrong is said at once.
func (r *Recipe) check() error {
	if r.Component == "" || r.Version == "" {
		return fmt.Errorf("component %q, version %q: both are needed", r.Component, r.Version)
	}
	k, wrong := r.known()
	wrong = append(wrong, r.checkBuilds()...)
	for _, fs := range r.RootFS {
		wrong = append(wrong, checkRootFS(fs)...)
	}
	for _, w := range r.Wheels {
		wrong = append(wrong, r.checkWheel(w))
	}
	for _, l := range r.Layers {
		wrong = append(wrong, r.checkLayer(l, k)...)
	}
	for _, i := range slices.Concat(r.Baked, r.Images) {
		wrong = append(wrong, r.checkImage(i, k)...)
	}
	for _, f := range r.Files {
		wrong = append(wrong, r.checkModulePath("files "+f.Name, f.Module))
	}
	wrong = append(wrong, r.unused(k)...)
	if len(r.Images)+len(r.Files) == 0 {
		wrong = append(wrong, errors.New("it makes no image and no files"))
	}
	return errors.Join(wrong...)
}

// names are what one thing of a recipe may refer to.
type names struct{ programs, rootfs, wheels, layers, baked set }

type set map[string]bool

// known collects the names; one that is given twice is an error.
func (r *Recipe) known() (names, []error) {
	var wrong []error
	collect := func(kind string, all ...string) set {
		s := set{}
		for _, name := range all {
			if s[name] || name == "" {
				wrong = append(wrong, fmt.Errorf("%s %q: the name is empty or used twice", kind, name))
			}
			s[name] = true
		}
		return s
	}
	var programs []string
	for _, b := range r.Builds {
		programs = append(programs, slices.Sorted(maps.Keys(b.Programs))...)
	}
	image := func(i Image) string { return i.Name }
	collect("image", mapped(slices.Concat(r.Baked, r.Images), image)...)
	collect("files", mapped(r.Files, func(f Files) string { return f.Name })...)
	return names{
		programs: collect("program", programs...),
		rootfs:   collect("rootfs", mapped(r.RootFS, func(f RootFS) string { return f.Name })...),
		wheels:   collect("wheel", mapped(r.Wheels, func(w Wheel) string { return w.Name })...),
		layers:   collect("layer", mapped(r.Layers, func(l Layer) string { return l.Name })...),
		baked:    collect("baked image", mapped(r.Baked, image)...),
	}, wrong
}

func mapped[T any](in []T, name func(T) string) []string {
	var out []string
	for _, one := range in {
		out = append(out, name(one))
	}
	return out
}

// need is an error unless s has name.
func (s set) need(who, kind, name string) error {
	if s[name] {
		return nil
	}
	return fmt.Errorf("%s: there is no %s %q; there are %q", who, kind, name, slices.Sorted(maps.Keys(s)))
}

func (r *Recipe) checkBuilds() []error {
	var wrong []error
	for _, b := range r.Builds {
		if len(b.Programs) == 0 {
			wrong = append(wrong, fmt.Errorf("build in module %q: it names no programs", b.Module))
		}
		if len(b.Libraries) > 0 && !b.CGO {
			wrong = append(wrong, fmt.Errorf("build in module %q: libraries need cgo: true", b.Module))
		}
		wrong = append(wrong, r.needGoMod("build", b.Module))
		wrong = append(wrong, r.checkVendored(b)...)
	}
	return wrong
}

func (r *Recipe) needGoMod(who, module string) error {
	if _, err := os.Stat(filepath.Join(r.ModuleDir(module), "go.mod")); err != nil {
		return fmt.Errorf("%s: module %q has no go.mod: %w", who, module, err)
	}
	return nil
}

func checkRootFS(fs RootFS) []error {
	var wrong []error
	if len(fs.Packages) == 0 {
		wrong = append(wrong, fmt.Errorf("rootfs %s: it names no packages", fs.Name))
	}
	for _, pattern := range fs.Remove {
		if _, err := path.Match(pattern, ""); err != nil {
			wrong = append(wrong, fmt.Errorf("rootfs %s: remove %q: %w", fs.Name, pattern, err))
		}
	}
	return wrong
}

func (r *Recipe) checkWheel(w Wheel) error {
	if _, err := r.requirement(w); err != nil {
		return err
	}
	if !filepath.IsLocal(w.Path) {
		return fmt.Errorf("wheel %s: path %q: want a path inside the wheel", w.Name, w.Path)
	}
	return nil
}

// requirement is the one line of the wheel's requirements file. It insists on an
// exact version and a hash: what pip downloads must be what was looked at when
// the recipe was written.
func (r *Recipe) requirement(w Wheel) (string, error) {
	raw, err := os.ReadFile(filepath.Join(r.Dir, w.Requirements))
	if err != nil {
		return "", fmt.Errorf("wheel %s: requirements: %w", w.Name, err)
	}
	var found []string
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			found = append(found, line)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("wheel %s: want one requirement in %s, got %d", w.Name, w.Requirements, len(found))
	}
	if !strings.Contains(found[0], "==") || !strings.Contains(found[0], " --hash=sha256:") {
		return "", fmt.Errorf("wheel %s: %s: %q: want `name==version --hash=sha256:…`", w.Name, w.Requirements, found[0])
	}
	return found[0], nil
}

func (r *Recipe) checkLayer(l Layer, k names) []error {
	var wrong []error
	if l.RootFS != "" {
		wrong = append(wrong, k.rootfs.need("layer "+l.Name, "rootfs", l.RootFS))
	}
	if l.RootFS == "" && len(l.Contents) == 0 {
		wrong = append(wrong, fmt.Errorf("layer %s: it is empty", l.Name))
	}
	for _, c := range l.Contents {
		wrong = append(wrong, r.checkContent("layer "+l.Name+", "+c.To, c, k))
	}
	return wrong
}

func (r *Recipe) checkContent(who string, c Content, k names) error {
	if !path.IsAbs(c.To) || path.Clean(c.To) != c.To {
		return fmt.Errorf("%s: `to` must be a clean absolute path", who)
	}
	if _, err := c.FileMode(); err != nil {
		return fmt.Errorf("%s: %w", who, err)
	}
	if set := c.sources(); len(set) != 1 {
		return fmt.Errorf("%s: want exactly one of program, wheel, file, module, text, link, folder; got %q", who, set)
	}
	switch {
	case c.Program != "":
		return k.programs.need(who, "program", c.Program)
	case c.Wheel != "":
		return k.wheels.need(who, "wheel", c.Wheel)
	case c.Module != nil:
		return r.checkModulePath(who, *c.Module)
	case c.File != "":
		if _, err := os.Stat(filepath.Join(r.Dir, c.File)); err != nil {
			return fmt.Errorf("%s: %w", who, err)
		}
	}
	return nil
}

// sources names the fields of c that say where its content comes from.
func (c Content) sources() []string {
	var out []string
	for name, given := range map[string]bool{
		"program": c.Program != "", "wheel": c.Wheel != "", "file": c.File != "", "module": c.Module != nil,
		"text": c.Text != "", "link": c.Link != "", "folder": c.Folder,
	} {
		if given {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// FileMode is the mode of the content in the layer: programs and folders are
// 0755 and everything else 0644 unless the recipe says otherwise.
func (c Content) FileMode() (int64, error) {
	if c.Mode != "" {
		mode, err := strconv.ParseInt(c.Mode, 8, 32)
		if err != nil || mode > 0o7777 {
			return 0, fmt.Errorf("mode %q: want an octal number such as \"0755\"", c.Mode)
		}
		return mode, nil
	}
	if c.Program != "" || c.Wheel != "" || c.Folder {
		return 0o755, nil
	}
	return 0o644, nil
}

func (r *Recipe) checkModulePath(who string, m ModulePath) error {
	if m.Name == "" || m.Path == "" || !filepath.IsLocal(m.Path) {
		return fmt.Errorf("%s: module %q, path %q: want a module and a path inside it", who, m.Name, m.Path)
	}
	return r.needGoMod(who, m.In)
}

func (r *Recipe) checkImage(i Image, k names) []error {
	who := "image " + i.Name
	var wrong []error
	if len(i.Layers) == 0 {
		wrong = append(wrong, fmt.Errorf("%s: it has no layers", who))
	}
	for _, l := range i.Layers {
		wrong = append(wrong, k.layers.need(who, "layer", l))
	}
	for _, env := range i.Env {
		if name, _, ok := strings.Cut(env, "="); !ok || name == "" {
			wrong = append(wrong, fmt.Errorf("%s: env %q: want NAME=value", who, env))
		}
	}
	return append(append(wrong, r.checkOrigin(who, i.Origin, k)...), checkBake(who, i.Bake, k)...)
}

func checkBake(who string, b *Bake, k names) []error {
	if b == nil {
		return nil
	}
	wrong := []error{k.programs.need(who, "program", b.Containerd), k.programs.need(who, "program", b.Ctr)}
	if !path.IsAbs(b.Root) {
		wrong = append(wrong, fmt.Errorf("%s: bake root %q must be absolute", who, b.Root))
	}
	for _, name := range b.Images {
		wrong = append(wrong, k.baked.need(who, "baked image", name))
	}
	return wrong
}

func (r *Recipe) checkOrigin(who string, from []Origin, k names) []error {
	var wrong []error
	for _, o := range from {
		switch {
		case (o.Module == "") == (o.Wheel == ""):
			wrong = append(wrong, fmt.Errorf("%s: origin: want a module or a wheel, got %q and %q", who, o.Module, o.Wheel))
		case o.Wheel != "":
			wrong = append(wrong, k.wheels.need(who+": origin", "wheel", o.Wheel))
		default:
			wrong = append(wrong, r.needGoMod(who+": origin", o.In))
		}
	}
	return wrong
}
