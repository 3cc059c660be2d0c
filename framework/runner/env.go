package runner

import (
	"context"
	"errors"
	"fmt"
	"meshgate/framework/suite"
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
	"meshgate/framework/wait"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// host is what an environment needs of the suite that runs.
type host interface {
	// secret is told every key and password that is made, for the redactor.
	secret(value string)
	// note puts a line into the report's notes.
	note(format string, args ...any)
	// awaitDeleted waits, if any of these objects was deleted by a feature before, until
	// the proxies know of that.
	awaitDeleted(ctx context.Context, objs []*unstructured.Unstructured) error
	// programmed waits until a change is on the proxies.
	programmed(ctx context.Context, w mesh.Wanted) error
}

// environment is the suite.Env of a feature, or of what the features of a suite share.
type environment struct {
	host   host
	kube   *kube.Client
	mesh   *mesh.Mesh
	budget wait.Budget
	ca     *pki.CA

	id      string
	names   namespaces
	owner   kube.Owner
	outside probe.Prober
	images  map[string]string
	began   time.Time
	shared  *environment    // of the suite; nil in that one itself
	waiting *progress.Group // where a wait for a workload is shown; nil: nowhere
	watch   watch           // wraps the conditions that the step under way polls

	mu        sync.Mutex
	changed   time.Time
	changes   []change // which the proxies are not known to have
	traffic   []exchanged
	named     map[string]probe.Observation // the last answers to named exchanges
	addresses map[string]string            // of Services: namespace/name
	certs     map[string]*pki.Certificate
	logins    map[string]suite.Login
	applied   []*unstructured.Unstructured
	stopped   []workload
	finals    []func(context.Context) error
	lastRead  string                // the proxy whose access log was read last
	logs      map[string]corev1.Pod // whose logs were read: namespace/pod/container
}

var _ suite.Env = (*environment)(nil)

func (e *environment) ID() string          { return e.id }
func (e *environment) Mesh() *mesh.Mesh    { return e.mesh }
func (e *environment) Budget() wait.Budget { return e.budget }
func (e *environment) CA() *pki.CA         { return e.ca }

func (e *environment) Note(format string, args ...any) { e.host.note(format, args...) }

// namespaces maps the readable namespaces of fixtures to those of this suite.
type namespaces map[string]string

func newNamespaces(cfg config.Names, m *mesh.Mesh, s suite.Suite) namespaces {
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

func (e *environment) Namespace(readable string) string {
	if real, ok := e.names[readable]; ok {
		return real
	}
	return readable
}

func (e *environment) Ask(ctx context.Context, r probe.Request) probe.Observation {
	r, err := e.through("", r)
	if err != nil {
		return impossible(err)
	}
	o := e.outside.Do(ctx, r)
	e.remember(r, o)
	return o
}

func (e *environment) AskThrough(ctx context.Context, gateway string, r probe.Request) probe.Observation {
	r, err := e.through(gateway, r)
	if err != nil {
		return impossible(err)
	}
	return e.outside.Do(ctx, r)
}

func (e *environment) AskFrom(ctx context.Context, namespace, app string, r probe.Request) probe.Observation {
	return e.AskAllFrom(ctx, namespace, app, 1, r)[0]
}

func (e *environment) AskAllFrom(ctx context.Context, namespace, app string, atOnce int, requests ...probe.Request) []probe.Observation {
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

// impossible is the observation of a request that cannot be made.
func impossible(err error) probe.Observation {
	return notMade(probe.ClassRequest, probe.PhaseRequest, err)
}

func notMade(class, phase string, err error) probe.Observation {
	return probe.Observation{At: time.Now().UTC(), Failure: &probe.Failure{Class: class, Phase: phase, Message: err.Error()}}
}

func (e *environment) Hold(ctx context.Context, r probe.Request) (*probe.Held, probe.Observation, error) {
	r, err := e.through("", r)
	if err != nil {
		return nil, probe.Observation{}, suite.Infrastructure(err)
	}
	held, o := probe.Hold(ctx, r)
	e.remember(r, o)
	return held, o, nil
}

func (e *environment) AskHeld(ctx context.Context, held *probe.Held, r probe.Request) probe.Observation {
	o := held.Do(ctx, r)
	e.remember(r, o)
	return o
}

// through fills in what a client of a gateway needs: where to dial, and the CA that it
// trusts.
func (e *environment) through(gateway string, r probe.Request) (probe.Request, error) {
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
func (e *environment) trusting(r probe.Request) probe.Request {
	if r.TLS.RootsPEM == "" {
		r.TLS.RootsPEM = e.ca.PEM()
	}
	if r.Timeout == 0 {
		r.Timeout = e.budget.Probe
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

func (e *environment) Finally(f func(context.Context) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.finals = append(e.finals, f)
}

// finish calls the functions that Finally was given.
func (e *environment) finish(ctx context.Context) error {
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

// noteChange notes that configuration was changed just now: the next assertion that
// is met says how long it took to take effect.
func (e *environment) noteChange() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.changed = time.Now()
}

// takeChange returns when configuration was changed that no assertion has seen in effect.
func (e *environment) takeChange() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := e.changed
	e.changed = time.Time{}
	return at
}
