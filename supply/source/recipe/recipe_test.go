package recipe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// whole is a recipe with one of everything; the bad ones are made from it.
const whole = `
component: tiny
version: "1"
builds:
  - programs: {one: ./one, two: example.test/two/v3}
    vars: {main.version: v1}
  - programs: {four: example.test/four}
    vendored: [{to: example.test/four/version/version.txt, file: file.txt}]
  - module: sub
    cgo: true
    libraries: {libthing: libthing-dev}
    programs: {three: ./three}
rootfs:
  - {name: base, packages: [bash], remove: [usr/share/doc]}
wheels:
  - {name: wheel, requirements: wheel.txt, path: pkg/file}
layers:
  - name: base
    rootfs: base
    contents: [{to: /bin/sh, link: bash}]
  - name: app
    contents:
      - {to: /app, program: one}
      - {to: /app3, program: three}
      - {to: /app4, program: four}
      - {to: /etc/file, file: file.txt}
      - {to: /etc/text, text: words, mode: "0600"}
      - {to: /etc/module, module: {in: sub, name: example.test/m, path: a/b}}
      - {to: /wheel, wheel: wheel}
      - {to: /empty, folder: true}
baked:
  - {name: example.test/in:1, alias: [example.test/in:2], layers: [app]}
images:
  - name: example.test/out:1
    origin: [{module: example.test/m}, {wheel: wheel}]
    layers: [base, app]
    env: [A=b]
    bake: {images: ["example.test/in:1"], containerd: one, ctr: two, root: /var/lib/containerd}
files:
  - {name: charts/x, module: {name: example.test/m, path: charts/x}}
`

const pinned = "# why\nthing==1.2.3 --hash=sha256:00\n"

func write(t *testing.T, text, requirements string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
	for name, content := range map[string]string{
		File: text, "wheel.txt": requirements, "file.txt": "x", "tools.go": "//go:build tools\n",
		"go.mod": "module example.test/tiny\n", "sub/go.mod": "module example.test/sub\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	return dir
}

func TestAWholeRecipeIsRead(t *testing.T) {
	r, err := Load(write(t, whole, pinned))
	require.NoError(t, err)
	requirement, err := r.Requirement("wheel")
	require.NoError(t, err)
	assert.Equal(t, "thing 1.2.3", requirement)
	_, err = r.Requirement("other")
	assert.ErrorContains(t, err, `no wheel "other"`)
	for at, want := range []int64{0o755, 0o755, 0o755, 0o644, 0o600, 0o644, 0o755, 0o755} {
		mode, err := r.Layers[1].Contents[at].FileMode()
		require.NoError(t, err)
		assert.Equal(t, want, mode, "mode of %s", r.Layers[1].Contents[at].To)
	}
}

func TestABadRecipeIsRefusedWithTheReason(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown field":           {"component: tiny", "component: tiny\nscript: rm -rf /", `unknown field "script"`},
		"unknown field inside":    {"cgo: true", "cgoo: true", `unknown field "cgoo"`},
		"no version":              {`version: "1"`, `version: ""`, "both are needed"},
		"unknown program":         {"{to: /app, program: one}", "{to: /app, program: five}", `there is no program "five"; there are ["four" "one" "three" "two"]`},
		"unknown root fs":         {"rootfs: base\n", "rootfs: other\n", `there is no rootfs "other"`},
		"unknown wheel":           {"{to: /wheel, wheel: wheel}", "{to: /wheel, wheel: other}", `there is no wheel "other"`},
		"unknown layer":           {"layers: [base, app]", "layers: [base, apps]", `there is no layer "apps"`},
		"unknown baked image":     {`images: ["example.test/in:1"]`, `images: ["example.test/in:9"]`, `there is no baked image "example.test/in:9"`},
		"unknown containerd":      {"containerd: one", "containerd: none", `there is no program "none"`},
		"unknown origin":          {"{wheel: wheel}]", "{wheel: none}]", `there is no wheel "none"`},
		"origin of neither":       {"{module: example.test/m},", "{},", "want a module or a wheel"},
		"missing file":            {"file: file.txt", "file: none.txt", "none.txt"},
		"missing go.mod":          {"module: sub", "module: none", `module "none" has no go.mod`},
		"program named twice":     {"programs: {three: ./three}", "programs: {one: ./three}", `program "one": the name is empty or used twice`},
		"image named twice":       {"example.test/in:1, alias", "example.test/out:1, alias", `image "example.test/out:1"`},
		"no programs":             {"programs: {three: ./three}", "programs: {}", "names no programs"},
		"library without cgo":     {"    cgo: true\n", "", "libraries need cgo: true"},
		"no packages":             {"packages: [bash]", "packages: []", "it names no packages"},
		"bad pattern":             {"remove: [usr/share/doc]", `remove: ["usr/[share"]`, "syntax error in pattern"},
		"empty layer":             {"    rootfs: base\n    contents: [{to: /bin/sh, link: bash}]", "    contents: []", "layer base: it is empty"},
		"relative place":          {"to: /etc/file", "to: etc/file", "clean absolute path"},
		"place that climbs":       {"to: /etc/file", "to: /etc/../../file", "clean absolute path"},
		"two sources":             {"{to: /app, program: one}", "{to: /app, program: one, text: x}", `got ["program" "text"]`},
		"no source":               {"{to: /app, program: one}", "{to: /app}", "want exactly one of"},
		"bad mode":                {`mode: "0600"`, `mode: "0999"`, `mode "0999"`},
		"module path that climbs": {"path: a/b", "path: ../b", "a path inside it"},
		"image without layers":    {"layers: [base, app]", "layers: []", "it has no layers"},
		"bad environment":         {"env: [A=b]", "env: [A]", "want NAME=value"},
		"relative bake root":      {"root: /var/lib/containerd", "root: var", "must be absolute"},
		"program that lies idle":  {"      - {to: /app3, program: three}\n", "", `program "three": nothing uses it`},
		"layer that lies idle":    {"layers: [base, app]", "layers: [app]", `layer "base": nothing uses it`},
		"root fs that lies idle":  {"    rootfs: base\n", "", `rootfs "base": nothing uses it`},
		"wheel that lies idle":    {"      - {to: /wheel, wheel: wheel}\n", "", `wheel "wheel": nothing uses it`},
		"image that is not baked": {`images: ["example.test/in:1"]`, "images: []", `baked image "example.test/in:1": nothing uses it`},
		"vendored for its own":    {"four: example.test/four", "four: ./four", `program "four": want one of another module, got ./four`},
		"vendored, no tools.go":   {"  - programs: {four: example.test/four}", "  - module: sub\n    programs: {four: example.test/four}", "want a tools.go that imports the programs"},
		"vendored into nothing":   {"to: example.test/four/version/version.txt", "to: version.txt", `to: want the import path of a package and the name of a file in it, got "version.txt"`},
		"vendored place climbs":   {"to: example.test/four/version/version.txt", "to: ../example.test/version.txt", `got "../example.test/version.txt"`},
		"vendored file missing":   {"version.txt, file: file.txt", "version.txt, file: none.txt", "version.txt: file: stat "},
		"vendored file climbs":    {"version.txt, file: file.txt", "version.txt, file: ../file.txt", `file: want a path inside the recipe, got "../file.txt"`},
		"vendored folder":         {"version.txt, file: file.txt", "version.txt, file: sub", "file: want a regular file, got sub"},
		"vendored twice":          {"version.txt, file: file.txt}", "version.txt, file: file.txt}, {to: example.test/four/version/version.txt, file: wheel.txt}", "version.txt: it is given twice"},
		"wheel path that climbs":  {"path: pkg/file", "path: ../file", "a path inside the wheel"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(whole, c.old, c.new, 1)
			require.NotEqual(t, whole, bad, "the case changes nothing")
			_, err := Load(write(t, bad, pinned))
			require.ErrorContains(t, err, c.want)
			assert.ErrorContains(t, err, File, "the error must name the file")
		})
	}
}

func TestAWheelMustBePinned(t *testing.T) {
	for name, c := range map[string]struct{ requirements, want string }{
		"no hash":    {"thing==1.2.3\n", "want `name==version --hash=sha256:…`"},
		"no version": {"thing --hash=sha256:00\n", "want `name==version --hash=sha256:…`"},
		"range":      {"thing>=1 --hash=sha256:00\n", "want `name==version --hash=sha256:…`"},
		"two":        {pinned + "other==1 --hash=sha256:00\n", "want one requirement in wheel.txt, got 2"},
		"none":       {"# nothing\n", "want one requirement in wheel.txt, got 0"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(write(t, whole, c.requirements))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestEverythingWrongIsSaidAtOnce(t *testing.T) {
	bad := strings.NewReplacer("program: one}", "program: five}", "env: [A=b]", "env: [A]").Replace(whole)
	_, err := Load(write(t, bad, pinned))
	require.ErrorContains(t, err, "five")
	require.ErrorContains(t, err, "NAME=value")
}

func TestAMissingRecipeIsNamed(t *testing.T) {
	_, err := Load(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, File)
}
