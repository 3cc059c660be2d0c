package suite

import (
	"context"

	"meshgate/framework/accesslog"
	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/wait"
)

// Env is what a feature works with while it runs. Namespaces in parameters are readable
// ones, as fixtures name them; gateways are named by the label "istio" that fixtures
// select, and the empty name is the shared ingress gateway. Errors that say nothing about
// the mesh are infrastructure errors (see Infrastructure).
type Env interface {
	// ID is unique to this run of the feature, for what must not be taken for something
	// that an earlier run asked.
	ID() string
	// Mesh is the mesh that the suite runs on, with its version and capabilities.
	Mesh() *mesh.Mesh
	// Budget holds the limits of the run, by meaning.
	Budget() wait.Budget
	// Namespace is the real name of a namespace.
	Namespace(readable string) string
	// Gateway is a shared gateway or one of Suite.Gateways. One that the mesh lacks is not
	// Present.
	Gateway(name string) mesh.Gateway
	// Note tells the report's reader something about the run.
	Note(format string, args ...any)
	// Finally is called when the feature ends, however it ends, before its objects are
	// removed; the last function comes first. It lets go of requests that are held.
	Finally(func(context.Context) error)
	// Await polls within a step until the condition is met, before the budget Converged is
	// spent.
	Await(ctx context.Context, name string, condition func(context.Context) error) error

	// CA signs every certificate of the run; clients of the gateways trust it alone.
	CA() *pki.CA
	// Issue signs a certificate and keeps it under a name; nil: the run's CA signs.
	Issue(by *pki.CA, name string, leaf pki.Leaf) (*pki.Certificate, error)
	// Certificate is the one that was last issued under the name, by the feature or its
	// suite. A name that was never issued gives an empty certificate, which matches none
	// that a server presents.
	Certificate(name string) *pki.Certificate
	// NewLogin makes a password that nobody has used before, and keeps it under the name.
	NewLogin(name, username string) Login
	// Login is the one that was made under the name, by the feature or its suite.
	Login(name string) Login

	// Apply applies objects and waits for the workloads among them. Every object is
	// registered for removal before it is made.
	Apply(ctx context.Context, setups ...Setup) error
	// Edit changes objects that the feature has made, and applies them again.
	Edit(ctx context.Context, edit manifest.Edit) error
	// Delete deletes an object that the feature has made, and waits until it is gone.
	Delete(ctx context.Context, kind, name string) error
	// Recreate deletes an object of the suite, calls meanwhile, and makes the object again
	// whatever came of that.
	Recreate(ctx context.Context, kind, name string, meanwhile func(context.Context) error) error
	// AwaitProgrammed waits until every proxy has all that the feature has changed. Before
	// that a refusal may only show that nothing has arrived yet.
	AwaitProgrammed(ctx context.Context) error
	// StopGateway scales a gateway to zero. StartGateway, or the end of the feature, brings
	// it back. A gateway that meshgate has not installed is refused.
	StopGateway(ctx context.Context, gateway string) error
	// StartGateway undoes StopGateway and waits until the gateway is ready.
	StartGateway(ctx context.Context, gateway string) error
	// StopWorkload scales a Deployment of the suite to zero. StartWorkload, or the end of
	// the feature, brings it back.
	StopWorkload(ctx context.Context, namespace, deployment string) error
	// StartWorkload undoes StopWorkload and waits until the Deployment is ready.
	StartWorkload(ctx context.Context, namespace, deployment string) error

	// Ask makes one request from outside through the shared ingress gateway. At the end of
	// the feature each such request must have its line in the gateway's access log.
	Ask(ctx context.Context, r probe.Request) probe.Observation
	// AskThrough makes one request from outside through a gateway, and keeps no record.
	AskThrough(ctx context.Context, gateway string, r probe.Request) probe.Observation
	// AskFrom makes one request from the agent's container in the first pod of an
	// application.
	AskFrom(ctx context.Context, namespace, app string, r probe.Request) probe.Observation
	// AskAllFrom is AskFrom of several requests, so many at once (0: all), in their order.
	AskAllFrom(ctx context.Context, namespace, app string, atOnce int, requests ...probe.Request) []probe.Observation
	// Inside probes from the first pod of an application in which the agent runs.
	Inside(ctx context.Context, namespace, app string) (probe.Prober, error)
	// Hold opens a connection through the shared ingress gateway that later requests reuse.
	Hold(ctx context.Context, r probe.Request) (*probe.Held, probe.Observation, error)
	// AskHeld makes a request on a connection that is open.
	AskHeld(ctx context.Context, held *probe.Held, r probe.Request) probe.Observation
	// HoldMongo opens a client of a MongoDB behind a gateway, which the caller closes.
	HoldMongo(ctx context.Context, gateway string, r probe.Request) (*probe.Mongo, probe.Observation)
	// Seen are the answers to Ask, Hold and AskHeld, in the order in which they came.
	Seen() []probe.Observation
	// LoggedOnce wants of each of these answers exactly one line in the gateway's access
	// log, which says what the client saw and passes the checks that also returns for the
	// answer (nil: none).
	LoggedOnce(ctx context.Context, also func(probe.Observation) []expect.LineCheck) error
	// KeepExchange keeps the last answer to a named exchange; Exchange.As does it.
	KeepExchange(name string, o probe.Observation)
	// Exchanged is the last answer to a named exchange. It is an error if there is none.
	Exchanged(name string) (probe.Observation, error)

	// Through is the proxy of a gateway.
	Through(gateway string) Proxy
	// Sidecar is the proxy beside an application.
	Sidecar(namespace, app string) Proxy
	// ControlPlaneLog is what istiod wrote since the feature began, all replicas.
	ControlPlaneLog(ctx context.Context) ([]byte, error)
	// ServerLog is what the external server wrote since the feature began, see
	// fixtures/world.
	ServerLog(ctx context.Context, namespace, app string) ([]byte, error)

	// LoadBalancer waits until a Service of the suite has a load balancer's address.
	LoadBalancer(ctx context.Context, namespace, service string) (host string, err error)
	// ClusterIP is the address of a Service of the suite inside the cluster.
	ClusterIP(ctx context.Context, namespace, service string) (string, error)
	// External is the address of a server of the suite that stands for the world outside of
	// the mesh, once the server has answered there.
	External(ctx context.Context, namespace, service string) (ip string, err error)
	// AskServer asks an application about itself, past the mesh: for what the server
	// counts, not for asserting that it is reached.
	AskServer(ctx context.Context, namespace, app string, port int, method, path string) ([]byte, error)
	// SetUpMongo opens a client of a MongoDB past the mesh, by the first pod of an
	// application, and calls do with it: for filling the database, not for asserting
	// anything.
	SetUpMongo(ctx context.Context, namespace, app string, port int, r probe.Request, do func(*probe.Mongo) error) error
}

// Proxy is what the Envoys of a gateway or of an application's sidecars say: in their
// access logs all replicas, on their admin interface the first.
type Proxy interface {
	// Addresses are the IP addresses of its pods.
	Addresses(ctx context.Context) ([]string, error)
	// Lines reads the access log since the feature began.
	Lines(ctx context.Context) ([]accesslog.Line, error)
	// Says wants at least one line of the access log that passes all the checks.
	Says(ctx context.Context, checks ...expect.LineCheck) error
	// Admin asks Envoy's admin interface; the path has no slash before it.
	Admin(ctx context.Context, path string) (string, error)
	// Upstreams are the endpoints of a cluster of Envoy's configuration, such as
	// "outbound|27017||mongodb.bookinfo.svc.cluster.local".
	Upstreams(ctx context.Context, cluster string) ([]mesh.Upstream, error)
	// Opened counts the connections that were opened to a cluster since the proxy began.
	Opened(ctx context.Context, cluster string) (int, error)
	// Stat is one of the statistics of a cluster, such as "upstream_rq_pending_active".
	// Istio keeps those that the annotation proxy.istio.io/config of the pod asks for.
	Stat(ctx context.Context, cluster, name string) (int, error)
	// Workers is how many threads the Envoy works with (its option concurrency).
	Workers(ctx context.Context) (int, error)
}
