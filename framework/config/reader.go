package config

import (
	"meshgate/framework/nearest"
	"os"
	"path/filepath"
	"strings"
)

// reader collects, layer by layer, the text of every setting and where it came
// from, and at the end makes a Config of it.
type reader struct {
	environ  []string
	table    []setting
	texts    map[string]origin
	problems []Problem
}

// origin is a text and where it was given.
type origin struct{ text, where string }

func newReader(environ []string) *reader {
	r := &reader{environ: environ, table: settings(), texts: map[string]origin{}}
	for _, s := range r.table {
		if s.def != "" {
			r.give(s.key, s.def, "default")
		}
	}
	return r
}

func (r *reader) give(key, text, where string) { r.texts[key] = origin{text, where} }

func (r *reader) problem(p Problem) { r.problems = append(r.problems, p) }

// set reports whether the user, and not the default, gave a setting.
func (r *reader) set(key string) bool {
	o, ok := r.texts[key]
	return ok && o.where != "default" && o.text != ""
}

// fromEnvironment takes the variables that are ours, and refuses those that look
// like ours and are not.
func (r *reader) fromEnvironment(environ []string) {
	keys, names := map[string]string{}, []string{fileVariable}
	for _, s := range r.table {
		keys[s.variable()] = s.key
		names = append(names, s.variable())
	}
	for _, kv := range environ {
		name, text, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, prefix) || name == fileVariable || text == "" {
			continue
		}
		key, ok := keys[name]
		if !ok {
			r.problem(Problem{What: "variable " + name, Nearest: nearest.Of(name, names), Origin: "environment"})
			continue
		}
		r.give(key, text, "environment "+name)
	}
}

// config parses every text, checks what belongs together, and applies the factor.
func (r *reader) config() (Config, error) {
	var c Config
	for _, s := range r.table {
		o, ok := r.texts[s.key]
		if !ok {
			continue
		}
		if err := s.set(&c, o.text); err != nil {
			r.refuse(s.key, s.want, err)
		}
	}
	if len(r.problems) == 0 {
		r.together(&c)
	}
	if len(r.problems) > 0 {
		return Config{}, &UsageError{r.problems}
	}
	c.Budget = c.Budget.Scale(c.Run.Slow)
	return c, nil
}

// refuse reports the text of a setting as not accepted.
func (r *reader) refuse(key, want string, err error) {
	o := r.texts[key]
	p := Problem{What: key, Want: want, Got: o.text, Origin: o.where}
	if err != errMismatch {
		p.Detail = err.Error()
	}
	if p.Got == "" && p.Detail == "" {
		p.Detail = "nothing is set"
	}
	r.problem(p)
}

// together checks the settings that depend on one another.
func (r *reader) together(c *Config) {
	r.kubeconfig(c)
	r.version(c)
	if c.Bundle.Source == "archive" && c.Bundle.Archive == "" {
		r.refuse("bundle.archive", "the file to read, because bundle.source is archive", errMismatch)
	}
	if r.set("bundle.archive") && c.Bundle.Source != "archive" && c.Bundle.Source != "auto" {
		r.refuse("bundle.archive", "nothing, because bundle.source is "+c.Bundle.Source, errMismatch)
	}
}

// kubeconfig: an existing cluster must be found, and one that the run makes has a
// kubeconfig of its own.
func (r *reader) kubeconfig(c *Config) {
	if c.Cluster.Provider != "existing" {
		for _, key := range []string{"cluster.kubeconfig", "cluster.context"} {
			if r.set(key) {
				r.refuse(key, "nothing, or cluster.provider existing (--provider existing)", errMismatch)
			}
		}
		return
	}
	if c.Cluster.Kubeconfig != "" {
		return
	}
	candidates := r.kubeconfigs()
	for _, path := range candidates {
		if readable(path) {
			return
		}
	}
	r.problem(Problem{What: "cluster.kubeconfig", Want: "a kubeconfig, because cluster.provider is existing",
		Origin: r.texts["cluster.provider"].where, Detail: "none of these can be read: " + strings.Join(candidates, ", ")})
}

// kubeconfigs lists where kubectl would look.
func (r *reader) kubeconfigs() []string {
	if list := lookup(r.environ, "KUBECONFIG"); list != "" {
		return filepath.SplitList(list)
	}
	home := lookup(r.environ, "HOME")
	if home == "" {
		return []string{"$HOME/.kube/config (HOME is not set)"}
	}
	return []string{filepath.Join(home, ".kube", "config")}
}

// version: flavour istio installs one of the versions that the bundle can hold.
func (r *reader) version(c *Config) {
	if c.Mesh.Flavour != "istio" {
		return
	}
	switch c.Mesh.Version {
	case "":
		c.Mesh.Version = "1.31"
	case "1.31", "1.22":
	default:
		r.refuse("mesh.version", `"1.31" or "1.22", the versions of flavour istio`, errMismatch)
	}
}

// fromFile reads the file of settings, when there is one.
func (r *reader) fromFile(path, saidBy string) {
	if path == "" {
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		r.problem(Problem{What: "file of settings", Want: "a file that can be read", Got: path, Origin: saidBy, Detail: err.Error()})
		return
	}
	r.fromYAML(filepath.Base(path), data)
}
