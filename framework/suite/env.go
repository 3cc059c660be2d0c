package suite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"meshgate/framework/config"
	"meshgate/framework/kube"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/progress"
	"meshgate/framework/report"
	"meshgate/framework/wait"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Env is what a feature's steps work with.
type Env struct {
	Kube   *kube.Client
	Mesh   *mesh.Mesh
	Budget wait.Budget
	// CA signs every certificate of the run; clients of the gateway trust it alone.
	CA *pki.CA

	id      string
	names   namespaces
	owner   kube.Owner
	outside probe.Prober
	images  map[string]string
	began   time.Time
	secret  func(string)
	tell    func(format string, args ...any) // into the report's notes
	// remade waits until objects may be made again, effective until a change is on the
	// proxies.
	remade    func(context.Context, []*unstructured.Unstructured) error
	effective func(context.Context, mesh.Wanted) error

	waiting *progress.Group // where a wait for a workload is shown; nil: nowhere

	foreseen func(error) (report.Mismatch, bool) // tells what is broken on purpose, of the step under way; nil: nothing is

	mu      sync.Mutex
	changed time.Time
	moves   []move // of which it is not known that they are on the proxies
	traffic []exchanged
	certs   map[string]*pki.Certificate
	logins  map[string]Login
	shared  *Env // of the suite; nil in that itself
	applied []*unstructured.Unstructured
	stopped []workload
	finals  []func(context.Context) error
	read    string                // the proxy whose access log was read last
	logs    map[string]corev1.Pod // all that were read: namespace/pod/container
}

// namespaces maps the readable namespaces of fixtures to those of this suite.
type namespaces map[string]string

func newNamespaces(cfg config.Names, m *mesh.Mesh, s Suite) namespaces {
	n := namespaces{"istio-system": m.Ingress.Namespace}
	for _, readable := range slices.Concat(s.Namespaces, s.Outside) {
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

// Ask makes one request from outside through the shared ingress gateway and remembers
// it: at the end of the feature each must stand in the gateway's access log once.
func (e *Env) Ask(ctx context.Context, r probe.Request) probe.Observation {
	r, err := e.through("", r)
	if err != nil {
		return impossible(err)
	}
	o := e.outside.Do(ctx, r)
	e.remember(r, o)
	return o
}

// AskThrough makes one request from outside through another gateway.
func (e *Env) AskThrough(ctx context.Context, gateway string, r probe.Request) probe.Observation {
	r, err := e.through(gateway, r)
	if err != nil {
		return impossible(err)
	}
	return e.outside.Do(ctx, r)
}

// AskFrom makes one request from the first pod of an application in which the agent runs;
// the namespace is readable.
func (e *Env) AskFrom(ctx context.Context, namespace, app string, r probe.Request) probe.Observation {
	return e.AskAllFrom(ctx, namespace, app, 1, r)[0]
}

// AskAllFrom is AskFrom of several requests, so many at once (0: all), in their order.
func (e *Env) AskAllFrom(ctx context.Context, namespace, app string, atOnce int, requests ...probe.Request) []probe.Observation {
	inside, err := e.Inside(ctx, namespace, app)
	if err != nil {
		return slices.Repeat([]probe.Observation{notMade(probe.ClassAgent, probe.PhaseAgent, err)}, len(requests))
	}
	trusting := make([]probe.Request, len(requests))
	for i, r := range requests {
		trusting[i] = e.trusting(r)
	}
	return probe.All(ctx, inside, trusting, atOnce)
}

// agentContainer is what fixtures call the container with the agent's image.
const agentContainer = "agent"

// impossible is what comes of a request that cannot be made.
func impossible(err error) probe.Observation {
	return notMade(probe.ClassRequest, probe.PhaseRequest, err)
}

func notMade(class, phase string, err error) probe.Observation {
	return probe.Observation{At: time.Now().UTC(), Failure: &probe.Failure{Class: class, Phase: phase, Message: err.Error()}}
}

// Hold opens a connection through the ingress gateway that later requests reuse.
func (e *Env) Hold(ctx context.Context, r probe.Request) (*probe.Held, probe.Observation, error) {
	r, err := e.through("", r)
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

// through fills in what a client of a gateway needs: where to dial, and the CA that it
// trusts.
func (e *Env) through(gateway string, r probe.Request) (probe.Request, error) {
	port, err := portOf(r.URL)
	if err != nil {
		return r, err
	}
	if r.Connect == "" {
		if r.Connect, err = e.Gateway(gateway).Address(port); err != nil {
			return r, err
		}
	}
	return e.trusting(r), nil
}

// trusting lets a request trust the run's CA alone, unless it says otherwise, and gives
// it the time that a probe has.
func (e *Env) trusting(r probe.Request) probe.Request {
	if r.TLS.RootsPEM == "" {
		r.TLS.RootsPEM = e.CA.PEM()
	}
	if r.Timeout == 0 {
		r.Timeout = e.Budget.Probe
	}
	return r
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

// ID is of this run of the feature alone, for what must not be taken for what an earlier
// one asked.
func (e *Env) ID() string { return e.id }

// Note tells the report's reader something about the run.
func (e *Env) Note(format string, args ...any) { e.tell(format, args...) }

// Finally is done when the feature ends, however it ends, before its objects go: it lets
// go what was held, such as requests under way. The last comes first.
func (e *Env) Finally(f func(context.Context) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.finals = append(e.finals, f)
}

// finish does what is to be done finally.
func (e *Env) finish(ctx context.Context) error {
	e.mu.Lock()
	finals := e.finals
	e.finals = nil
	e.mu.Unlock()
	var errs []error
	for _, f := range slices.Backward(finals) {
		errs = append(errs, f(ctx))
	}
	return errors.Join(errs...)
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
