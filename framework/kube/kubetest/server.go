// Package kubetest is an API server in memory that clients reach over real HTTP: enough of
// Kubernetes for tests of code that applies, reads, lists and deletes objects. It runs no
// controllers; a test does their work with Put and Remove.
package kubetest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Version is the version that the server reports.
const Version = "v1.36.3"

// Server is safe for concurrent use.
type Server struct {
	http *httptest.Server

	mu        sync.Mutex
	kinds     []Kind
	objects   map[string]*unstructured.Unstructured // by path
	order     []string                              // paths, in order of creation
	logs      map[string]string
	requests  []string
	serial    int
	intercept func(http.ResponseWriter, *http.Request) bool
}

// New starts a server that knows the kinds in addition to Builtin; Close ends it.
func New(kinds ...Kind) *Server {
	s := &Server{kinds: append(Builtin(), kinds...), objects: map[string]*unstructured.Unstructured{}, logs: map[string]string{}}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// Close ends the server.
func (s *Server) Close() { s.http.Close() }

// URL is where the server listens.
func (s *Server) URL() string { return s.http.URL }

// REST is the configuration of a client, which has to speak JSON.
func (s *Server) REST() *rest.Config {
	return &rest.Config{Host: s.http.URL, ContentConfig: rest.ContentConfig{ContentType: runtime.ContentTypeJSON}}
}

// Kubeconfig writes a file into dir with one context, "memory".
func (s *Server) Kubeconfig(dir string) (string, error) {
	cfg := clientcmdapi.NewConfig()
	cfg.Clusters["memory"] = &clientcmdapi.Cluster{Server: s.http.URL}
	cfg.AuthInfos["nobody"] = &clientcmdapi.AuthInfo{}
	cfg.Contexts["memory"] = &clientcmdapi.Context{Cluster: "memory", AuthInfo: "nobody"}
	cfg.CurrentContext = "memory"
	file := filepath.Join(dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*cfg, file); err != nil {
		return "", fmt.Errorf("kubeconfig %s: %w", file, err)
	}
	return file, os.Chmod(file, 0o600)
}

// Intercept lets f answer requests in the server's place; it says whether it did.
func (s *Server) Intercept(f func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = f
}

// Learn adds a kind, as a new CRD does.
func (s *Server) Learn(k Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kinds = append(s.kinds, k)
}

// Forget takes a kind away with its objects, as the removal of a CRD does.
func (s *Server) Forget(resource string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path := range s.objects {
		if k, ok := s.kindOfPath(path); ok && k.Resource == resource {
			s.drop(path)
		}
	}
	s.kinds = slices.DeleteFunc(s.kinds, func(k Kind) bool { return k.Resource == resource })
}

// Put creates or replaces an object as another client would: it adds no labels. An
// object of an unknown kind is an error.
func (s *Server) Put(o *unstructured.Unstructured) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, err := s.pathOf(o)
	if err == nil {
		s.store(path, o.DeepCopy())
	}
	return err
}

// Remove deletes an object even if it has finalizers.
func (s *Server) Remove(o *unstructured.Unstructured) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, err := s.pathOf(o)
	if err == nil {
		s.drop(path)
	}
	return err
}

// SetLog sets the log of a container of a pod.
func (s *Server) SetLog(namespace, pod, container, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logs[namespace+"/"+pod+"/"+container] = text
}

// Objects are the names of all objects, "kind namespace/name", in order of creation.
func (s *Server) Objects() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, path := range s.order {
		o := s.objects[path]
		name := o.GetName()
		if ns := o.GetNamespace(); ns != "" {
			name = ns + "/" + name
		}
		out = append(out, o.GetKind()+" "+name)
	}
	return out
}

// Requests are the requests so far that begin with method and path, such as "PATCH /api".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI())
	intercept := s.intercept
	s.mu.Unlock()
	if intercept != nil && intercept(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.discovery(w, r.URL.Path) {
		return
	}
	s.object(w, r)
}
