package archtest

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// source makes the sources of a package from one text.
func source(t *testing.T, text string) Sources {
	t.Helper()
	s := Sources{}
	s.Fset = token.NewFileSet()
	file, err := parser.ParseFile(s.Fset, "bad.go", "package p\n"+text, parser.ParseComments|parser.SkipObjectResolution)
	require.NoError(t, err)
	s.Files = append(s.Files, file)
	return s
}

func rule(t *testing.T, name string) CodeRule {
	t.Helper()
	for _, r := range CodeRules() {
		if r.Name == name {
			return r
		}
	}
	require.Fail(t, "no rule "+name)
	return CodeRule{}
}

// bad is, by the rule, what it must find; each text is one violation. Some words
// are parted, or a plain search for them would find this file.
func bad() map[string][]string {
	return map[string][]string{
		"sleep": {"import \"time\"\nfunc f() { time.Sl" + "eep(1) }", "import clock \"time\"\nfunc f() { clock.Sleep(1) }", "import \"time\"\nvar nap = time.Sleep"},
		"init":  {"func init() {}"},
		"exit":  {"import \"os\"\nfunc f() { os.Exit(1) }", "import \"log\"\nfunc f() { log.Fatalf(\"x\") }", "import \"log\"\nfunc f() { log.Panic() }"},
		"panic": {"func f() { panic(1) }", "var f = func() { panic(1) }"},
		"state": {
			"var count int", "var m = map[string]int{}\nfunc f() { m[\"a\"] = 1 }", "var m = map[string]int{}\nfunc f() { delete(m, \"a\") }",
			"var n = 0\nfunc f() { n++ }", "var n = 0\nfunc f() { n += 2 }", "var n = 0\nfunc f() *int { return &n }", "type s struct{ x []int }\nvar v = s{}\nfunc f() { v.x[0] = 1 }",
			"import \"sync\"\nvar once = sync.OnceValue(f)\nfunc f() int { return 1 }", "import \"sync\"\nvar mu = sync.Mutex{}", "var c = make(chan int)",
			"var p = new(int)", "import \"flag\"\nvar u = flag.Bool(\"u\", false, \"\")", "var all = []int{1}\nfunc f() { all = append(all, 2) }",
			"var all = []int{1}\nfunc f() { func() { all[0] = 2 }() }",
		},
		"skip":          {"import \"testing\"\nfunc TestX(t *testing.T) { t.Sk" + "ip() }", "import \"testing\"\nfunc TestX(t *testing.T) { t.Skipf(\"later\") }"},
		"unfinished":    {"// TO" + "DO: later\nvar x = 1", "/* a FIX" + "ME */"},
		"retired words": {"// f mends the mesh.\nfunc f() {}", "func inflictAll() {}", "var s = \"in the Scene\""},
		"network": {
			"import \"net\"\nfunc f() { net.Dial(\"tcp\", \"\") }", "import \"net/http\"\nvar c = http.Client{}", "import \"net/http\"\nfunc f() { http.Get(\"\") }",
			"import \"crypto/tls\"\nfunc f() { tls.Dial(\"tcp\", \"\", nil) }", "import \"net\"\nvar d net.Dialer",
		},
	}
}

// good is what a rule must leave alone.
func good() map[string][]string {
	return map[string][]string{
		"sleep": {"import \"time\"\nfunc f() { time.NewTimer(1) }", "type clock struct{}\nfunc (clock) Sleep() {}\nfunc f(time clock) { time.Sl" + "eep() }"},
		"init":  {"type t struct{}\nfunc (t) init() {}", "func initialise() {}"},
		"exit":  {"import \"os\"\nfunc f() { os.Getpid() }", "import \"log\"\nfunc f() { log.Print() }"},
		"panic": {"type p struct{}\nfunc (p) panic() {}\nfunc f(x p) { x.panic() }"},
		"state": {
			"import \"errors\"\nvar ErrX = errors.New(\"x\")", "import \"regexp\"\nvar re = regexp.MustCompile(\"a\")", "import \"embed\"\n//go:embed *.go\nvar FS embed.FS",
			"var table = map[string]func() int{\"a\": func() int { c := make(chan int); return len(c) }}", "type t struct{}\nvar _ error = (*t)(nil)",
			"var n = 1\nfunc f() { n := 2; n++ ; _ = n }", "var n = 1\nfunc f(n int) { n++ }", "var n = 1\nfunc f() { for n := range 3 { n++ } }",
			"var m = map[string]int{\"a\": 1}\nfunc f() int { x := m[\"a\"]; x++; return x }", "const c = 1",
		},
		"skip":          {"import \"testing\"\nfunc TestX(t *testing.T) { t.Log() }", "func f(r interface{ Skip() }) { r.Skip() }"},
		"unfinished":    {"// a method of toDo lists\nvar x = \"TO" + "DO\""},
		"retired words": {"// A recommendation for planes.\nvar underscored = 1", "var s = \"run meshgate sabotage --revert\""},
		"network":       {"import \"net\"\nvar ip net.IP", "import \"net/http\"\nvar h http.Header"},
	}
}

func TestEachCodeRuleFindsWhatItIsThereFor(t *testing.T) {
	for _, r := range CodeRules() {
		require.NotEmpty(t, bad()[r.Name], "rule %s has no case that it must find", r.Name)
		require.NotEmpty(t, good()[r.Name], "rule %s has no case that it must leave alone", r.Name)
		p := Package{Path: strings.TrimSuffix(r.In[0], "/...")}
		if p.Path == "." {
			p.Path = "./framework/some"
		}
		for _, text := range bad()[r.Name] {
			found := r.Check(p, source(t, text), Sources{})
			if assert.Len(t, found, 1, "%s: %s", r.Name, text) {
				assert.Contains(t, found[0].String(), "bad.go:")
				assert.Contains(t, found[0].String(), r.Why)
			}
		}
		for _, text := range good()[r.Name] {
			assert.Empty(t, r.Check(p, source(t, text), Sources{}), "%s: %s", r.Name, text)
		}
	}
}

func TestCodeRulesKnowTheirExceptions(t *testing.T) {
	sleeps := source(t, bad()["sleep"][0])
	assert.Empty(t, rule(t, "sleep").Check(Package{Path: "./framework/wait"}, sleeps, Sources{}))
	assert.Len(t, rule(t, "sleep").Check(Package{Path: "./framework/kube"}, Sources{}, sleeps), 1, "tests do not sleep either")
	exits := source(t, bad()["exit"][0])
	assert.Empty(t, rule(t, "exit").Check(Package{Path: "./cmd/meshgate", Main: true}, exits, Sources{}))
	assert.Len(t, rule(t, "exit").Check(Package{Path: "./cmd/meshgate/internal"}, exits, Sources{}), 1)
	assert.Empty(t, rule(t, "exit").Check(Package{Path: "./suites/a"}, Sources{}, exits), "TestMain ends with os.Exit")
}

func TestEachImportRuleFindsWhatItIsThereFor(t *testing.T) {
	for _, c := range []struct {
		pkg, imports string
		tests        bool
	}{
		{"./framework/kube", "testing", false},
		{"./framework/evidence", "sigs.k8s.io/e2e-framework/pkg/env", false},
		{"./framework/cluster/existing", "sigs.k8s.io/kind/pkg/cluster", false},
		{"./framework/cluster/existing", "sigs.k8s.io/kind/pkg/cluster", true},
		{"./framework/mesh/existing", "helm.sh/helm/v3/pkg/action", false},
		{"./suites/a", "./framework/kube", false},
		{"./suites/a", "./framework/mesh/istio", false},
		{"./suites/a", "./suites/b", false},
		{"./suites/a", "k8s.io/client-go/kubernetes", false},
		{"./framework/suite", "./suites", false},
		{"./fixtures", "./cmd/meshgate", true},
		{"./framework/expect", "k8s.io/client-go/rest", false},
		{"./framework/wait", "./framework/kube", false},
		{"./framework/suite", "./framework/runner", false},
		{"./framework/suite", "testing", false},
		{"./suites/a", "./framework/runner", false},
		{"./framework/manifest", "istio.io/client-go/pkg/clientset/versioned", false},
		{"./framework/manifest/goldentest", "os/exec", false},
		{"./framework/testbed", "./framework/cluster/kind", false},
		{"./cmd/meshgate", "./framework/mesh/istio", false},
		{"./framework/config", "github.com/spf13/cobra", false},
	} {
		p := Package{Path: c.pkg, Imports: []string{c.imports}}
		if c.tests {
			p = Package{Path: c.pkg, TestImports: []string{c.imports}}
		}
		assert.NotEmpty(t, violations(p), "%s imports %s", c.pkg, c.imports)
	}
}

func TestImportRulesLeaveTheRestAlone(t *testing.T) {
	for _, p := range []Package{
		{Path: "./framework/runner", Imports: []string{"testing", "sigs.k8s.io/e2e-framework/pkg/env", "./framework/suite", "./framework/kube"}},
		{Path: "./framework/kube", TestImports: []string{"testing", "github.com/stretchr/testify/require"}},
		{Path: "./framework/cluster/kind/addons", Imports: []string{"sigs.k8s.io/kind/pkg/cluster"}},
		{Path: "./framework/cluster/providers", Imports: []string{"./framework/cluster/kind"}},
		{Path: "./suites/a", Imports: []string{"context", "net/http", "./framework/suite", "./framework/mesh", "./fixtures"}},
		{Path: "./suites", Imports: []string{"./suites/a", "./framework/suite"}},
		{Path: "./cmd/meshgate", Imports: []string{"./suites", "github.com/spf13/cobra"}},
		{Path: "./framework/expect", Imports: []string{"net/http", "./framework/probe", "./framework/accesslog"}},
	} {
		assert.Empty(t, violations(p), p.Path)
	}
}

// violations are those of one package alone, without the complaints of rules that
// are about others.
func violations(p Package) []Violation {
	var found []Violation
	for _, r := range ImportRules() {
		for _, v := range r.Check([]Package{p}) {
			if v.What != "no such package" {
				found = append(found, v)
			}
		}
	}
	return found
}

func TestARuleAboutNothingIsBroken(t *testing.T) {
	found := ImportRule{In: []string{"./framework/moved"}}.Check([]Package{{Path: "./framework/wait"}})
	require.Len(t, found, 1)
	assert.Equal(t, "./framework/moved: no such package: a rule about nothing holds nothing", found[0].String())
}

func TestSizesAreThoseOfTheSource(t *testing.T) {
	body := strings.Repeat("\tx++\n", 61)
	functions, files := Sizes(source(t, "func one() { x() }\n\nfunc long(x int) {\n"+body+"}\nfunc none()\n"))
	assert.Equal(t, []Sized{{"bad.go:2 one", 1}, {"bad.go:4 long", 61}}, functions)
	assert.Equal(t, []Sized{{"bad.go", 67}}, files)
	assert.Equal(t, []Sized{{"bad.go:4 long", 61}}, TooLong(functions, maxFunction))
	assert.Empty(t, TooLong(functions, 61))
	assert.Equal(t, "bad.go (67 lines)", files[0].String())

	var all []Sized
	for i := range 100 {
		all = append(all, Sized{fmt.Sprint(i), 100 - i})
	}
	assert.Equal(t, 51, Quantile(all, 0.5))
	assert.Equal(t, 91, Quantile(all, 0.9))
	assert.Equal(t, 100, Quantile(all, 1))
	assert.Zero(t, Quantile(nil, 0.5))
}

// TestLoadReadsAModule makes a small module of its own: what is in it is known.
func TestLoadReadsAModule(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                 "module example.test/m\n\ngo 1.26\n",
		"framework/a/a.go":       "package a\n\nimport _ \"example.test/m/framework/b\"\n",
		"framework/a/a_test.go":  "package a_test\n\nimport _ \"testing\"\n",
		"framework/b/b.go":       "package b\n\nimport _ \"os\"\n",
		"framework/b/b_other.go": "//go:build other\n\npackage b\n",
		"nested/go.mod":          "module example.test/nested\n\ngo 1.26\n",
		"nested/n.go":            "package nested\n",
		"cmd/c/main.go":          "package main\n\nfunc main() {}\n",
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	root, pkgs, err := Load(t.Context(), dir)
	require.NoError(t, err)
	assert.Equal(t, []Package{
		{Path: "./cmd/c", Main: true, Files: []string{"cmd/c/main.go"}},
		{Path: "./framework/a", Imports: []string{"./framework/b"}, TestImports: []string{"testing"}, Files: []string{"framework/a/a.go"}, TestFiles: []string{"framework/a/a_test.go"}},
		{Path: "./framework/b", Imports: []string{"os"}, Files: []string{"framework/b/b.go", "framework/b/b_other.go"}},
	}, pkgs)
	s, err := Parse(root, []string{"framework/a/gone.go", "go.mod", "framework/a/a.go"})
	require.ErrorContains(t, err, "gone.go")
	require.ErrorContains(t, err, "go.mod:1:1")
	assert.Len(t, s.Files, 1, "the others are read all the same")
	_, _, err = Load(t.Context(), t.TempDir())
	require.Error(t, err, "no module there")
}
