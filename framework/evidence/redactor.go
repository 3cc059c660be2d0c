package evidence

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// redacted is what stands where a secret stood.
const redacted = "[redacted]"

// minSecret is the length in bytes below which a value cannot be told from
// ordinary text, so that removing it everywhere would destroy the evidence.
const minSecret = 6

// Redactor removes secrets from text that is written down. It recognizes some by their form
// (private keys, JSON web tokens, passwords in URLs and flags, the values of credential
// headers), some by their field in a document (Secret objects, fields named password), and
// all values passed to Secret. The zero value is ready to use; it is safe for concurrent use.
type Redactor struct {
	mu    sync.RWMutex
	known map[string]bool
	all   *strings.Replacer // nil until needed again after Secret
}

// Secret adds values that must appear nowhere: not in plain text, not escaped for JSON or a
// URL, not in hexadecimal, and not in base64 at any offset. Of a value of several lines, such
// as a PEM key, each line counts. Values shorter than 6 bytes are ignored.
func (r *Redactor) Secret(values ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[string]bool{}
	}
	for _, v := range values {
		for _, form := range forms(v) {
			r.known[form] = true
		}
	}
	r.all = nil
}

// String returns s without secrets.
func (r *Redactor) String(s string) string {
	s = r.values().Replace(s)
	for _, f := range byForm() {
		s = f(s)
	}
	return s
}

// values replaces the added values, longest first, so that no part of a longer secret stays.
func (r *Redactor) values() *strings.Replacer {
	r.mu.RLock()
	all := r.all
	r.mu.RUnlock()
	if all != nil {
		return all
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var known []string
	for v := range r.known {
		known = append(known, v)
	}
	slices.SortFunc(known, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(known))
	for _, v := range known {
		pairs = append(pairs, v, redacted)
	}
	r.all = strings.NewReplacer(pairs...)
	return r.all
}

// JSON returns an encoded document without secrets, also judged by their fields. Data that is
// not JSON is treated as text.
func (r *Redactor) JSON(data []byte) []byte {
	var doc any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil || d.More() {
		return []byte(r.String(string(data)))
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(r.document(doc)); err != nil {
		return []byte(r.String(string(data)))
	}
	return b.Bytes()
}

// Object returns a copy of an object without secrets: a Secret keeps its keys and, for each
// value, the length and the beginning of its digest, which tells two values apart.
func (r *Redactor) Object(o *unstructured.Unstructured) *unstructured.Unstructured {
	clean, ok := r.document(o.DeepCopy().Object).(map[string]any)
	if !ok { // a map stays a map
		return &unstructured.Unstructured{}
	}
	return &unstructured.Unstructured{Object: clean}
}
