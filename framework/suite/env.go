package suite

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"meshgate/framework/config"
	"meshgate/framework/kube"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/progress"
	"meshgate/framework/wait"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Env is what a feature's steps work with.
type Env struct {
	Kube   *kube.Client
	Mesh   *mesh.Mesh
	Budget wait.Budget
	// CA signs every certificate of the run; clients of the gateway trust it alone.
	CA *pki.CA

	names   namespaces
	owner   kube.Owner
	outside probe.Prober
	images  map[string]string
	began   time.Time
	secret  func(string)
	waiting *progress.Group // where a wait for a workload is shown; nil: nowhere

	mu      sync.Mutex
	changed time.Time
	traffic []exchanged
	certs   map[string]*pki.Certificate
	applied []*unstructured.Unstructured
}

// namespaces maps the readable namespaces of fixtures to those of this suite.
type namespaces map[string]string

func newNamespaces(cfg config.Names, m *mesh.Mesh, s Suite) namespaces {
	n := namespaces{"istio-system": m.Ingress.Namespace}
	for _, readable := range s.Namespaces {
		base := readable
		if readable == "bookinfo" {
			base = cfg.BookinfoNamespace
		}
		n[readable] = base + "-" + s.Name
	}
	return n
}

// Namespace is the real name of a namespace that fixtures call by a readable one.
func (e *Env) Namespace(readable string) string {
	if real, ok := e.names[readable]; ok {
		return real
	}
	return readable
}

// Ask makes one request from outside through the ingress gateway and remembers it:
// at the end of the feature each must stand in the gateway's access log once.
func (e *Env) Ask(ctx context.Context, r probe.Request) probe.Observation {
	r, err := e.throughIngress(r)
	if err != nil {
		return probe.Observation{At: time.Now().UTC(), Failure: &probe.Failure{Class: probe.ClassRequest, Phase: probe.PhaseRequest, Message: err.Error()}}
	}
	o := e.outside.Do(ctx, r)
	e.remember(r, o)
	return o
}

// Hold opens a connection through the ingress gateway that later requests reuse.
func (e *Env) Hold(ctx context.Context, r probe.Request) (*probe.Held, probe.Observation, error) {
	r, err := e.throughIngress(r)
	if err != nil {
		return nil, probe.Observation{}, Broken(err)
	}
	held, o := probe.Hold(ctx, r)
	e.remember(r, o)
	return held, o, nil
}

// AskHeld makes a request on a connection that is open, and remembers it.
func (e *Env) AskHeld(ctx context.Context, held *probe.Held, r probe.Request) probe.Observation {
	o := held.Do(ctx, r)
	e.remember(r, o)
	return o
}

// throughIngress fills in what a client of the gateway needs: where to dial, and
// the CA it trusts.
func (e *Env) throughIngress(r probe.Request) (probe.Request, error) {
	port, err := portOf(r.URL)
	if err != nil {
		return r, err
	}
	if r.Connect == "" {
		if r.Connect, err = e.Mesh.Ingress.Address(port); err != nil {
			return r, err
		}
	}
	if r.TLS.RootsPEM == "" {
		r.TLS.RootsPEM = e.CA.PEM()
	}
	if r.Timeout == 0 {
		r.Timeout = e.Budget.Probe
	}
	return r, nil
}

func portOf(raw string) (int, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return 0, fmt.Errorf("request URL: %w", err)
	}
	switch p := u.Port(); {
	case p != "":
		var port int
		_, err := fmt.Sscanf(p, "%d", &port)
		return port, err
	case u.Scheme == "http":
		return 80, nil
	default:
		return 443, nil
	}
}

// Changed notes that configuration was changed just now: the next assertion that
// is met says how long it took to take effect.
func (e *Env) Changed() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.changed = time.Now()
}

func (e *Env) takeChange() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := e.changed
	e.changed = time.Time{}
	return at
}
