package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"meshgate/framework/printable"
)

// maxFile bounds one file of evidence in bytes. The configuration of a proxy with thousands
// of clusters is smaller.
const maxFile = 32 << 20

// folder is the directory of one capture. Everything that is written passes the redactor and
// is made printable; it is safe for concurrent use.
type folder struct {
	root     string // on disk
	prefix   string // of the returned names
	redactor *Redactor

	mu     sync.Mutex
	files  []string
	closed bool
}

// writeError is a failure of this machine's disk, in contrast to one of the cluster.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// newFolder creates <dir>/<feature>/<step>, or <step>-2 and so on if that exists: evidence is
// never overwritten.
func newFolder(dir, feature, step string, r *Redactor) (*folder, error) {
	var parts []string
	for _, p := range append(strings.Split(feature, "/"), step) {
		parts = append(parts, fileName(p))
	}
	base := filepath.Join(append([]string{dir}, parts...)...)
	if err := os.MkdirAll(filepath.Dir(base), 0o755); err != nil {
		return nil, fmt.Errorf("evidence: folder for %s: %w", feature, err)
	}
	root := base
	for n := 2; ; n++ {
		err := os.Mkdir(root, 0o755)
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrExist) || n > 1000 {
			return nil, fmt.Errorf("evidence: folder for %s: %w", feature, err)
		}
		root = fmt.Sprintf("%s-%d", base, n)
	}
	rel, err := filepath.Rel(filepath.Dir(dir), root)
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	return &folder{root: root, prefix: filepath.ToSlash(rel), redactor: r}, nil
}

// fileName turns a text into a name that is valid in every file system and needs no quoting
// in a shell.
func fileName(s string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r) {
			return r
		}
		return '-'
	}, s)
	name = strings.TrimLeft(name, ".")
	if len(name) > 80 {
		name = name[:80]
	}
	if name == "" {
		return "unnamed"
	}
	return name
}

// text writes text of any origin.
func (f *folder) text(name string, data []byte) error {
	return f.write(name, []byte(printable.Block(f.redactor.String(string(data)))))
}

// document writes what a component sent, as JSON or, if it is none, as text.
func (f *folder) document(name string, data []byte) error {
	if !json.Valid(data) {
		return f.text(name, data)
	}
	return f.write(name, printable.JSON(f.redactor.JSON(data)))
}

// json writes a value of this program as JSON; it writes no file for nil.
func (f *folder) json(name string, v any) error {
	if v == nil {
		return nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("cannot be encoded: %w", err)
	}
	return f.document(name, data)
}

// objects writes objects as one YAML stream; it writes no file for an empty list.
func (f *folder) objects(name string, objs []*unstructured.Unstructured) error {
	var b bytes.Buffer
	for _, o := range objs {
		o = f.redactor.Object(o)
		o.SetManagedFields(nil) // long, and of no help here
		data, err := yaml.Marshal(o.Object)
		if err != nil {
			return fmt.Errorf("%s %s/%s cannot be encoded: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err)
		}
		b.WriteString("---\n")
		b.Write(data)
	}
	if b.Len() == 0 {
		return nil
	}
	return f.write(name, []byte(printable.Block(b.String())))
}

func (f *folder) write(name string, data []byte) error {
	if len(data) > maxFile {
		data = append(data[:maxFile:maxFile], fmt.Sprintf("\n… %d more bytes are left out\n", len(data)-maxFile)...)
	}
	var parts []string
	for p := range strings.SplitSeq(name, "/") {
		parts = append(parts, fileName(p))
	}
	name = path.Join(parts...)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return errors.New("the capture is over")
	}
	target := filepath.Join(f.root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return &writeError{fmt.Errorf("evidence: %w", err)}
	}
	if err := os.WriteFile(target, data, 0o644); err != nil {
		return &writeError{fmt.Errorf("evidence: %w", err)}
	}
	f.files = append(f.files, path.Join(f.prefix, name))
	return nil
}

// close stops all writing, also by collectors that were given up and still run, and returns
// the sorted names of the written files.
func (f *folder) close() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return slices.Sorted(slices.Values(f.files))
}
