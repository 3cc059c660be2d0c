package suite

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
)

// Exchange is a request and what its answer must be. Ask makes one; it is a Condition.
type Exchange struct {
	// Request is what is sent.
	Request probe.Request
	// Checks are what the answer must pass.
	Checks []expect.Check
	// Late makes the request when the step runs; nil: Request is known before.
	Late func(Env) probe.Request
	// Server is the server of the suite that the client connects to, at Port; the zero
	// value: the address of the request's URL, or of the gateway.
	Server Server
	// Port is a port of that Server.
	Port int
	// Gateway is the gateway through which the request comes from outside; empty: the
	// shared ingress gateway.
	Gateway string
	// Client is the application from whose pod the request is made; the zero value: from
	// outside.
	Client App
	// User is the name under which the suite made a login, for requests to a database; empty:
	// none. Source is the database that knows the user.
	User, Source string
	// Name is what LineOf calls the exchange; empty: nothing refers to it.
	Name string

	late   []func(context.Context, Env) (expect.Check, error)
	fields []expect.Field
}

// App is an application of the suite: the value of the label "app" of its pods, in a
// namespace by its readable name.
type App struct{ Namespace, Name string }

// Server is a Service of the suite that stands for a server outside of the mesh, in a
// namespace by its readable name.
type Server struct{ Namespace, Service string }

// Ask pairs a request with the checks of its answer.
func Ask(r probe.Request, checks ...expect.Check) Exchange {
	return Exchange{Request: r, Checks: checks}
}

// AskLate is Ask with a request that is made when the step runs, of what only the run
// knows: addresses that change, passwords.
func AskLate(r func(Env) probe.Request, checks ...expect.Check) Exchange {
	return Exchange{Late: r, Checks: checks}
}

// Presents also asserts that the server presents exactly the certificate that was
// last issued under this name, and that its chain verifies for the host asked.
func (x Exchange) Presents(credential string) Exchange {
	return x.With(func(_ context.Context, e Env) (expect.Check, error) {
		return expect.PeerIs(e.Certificate(credential)), nil
	}, expect.PeerIs(nil).Fields()...)
}

// ReceivedFrom also asserts that the echo application saw the request come from a pod of the
// proxy.
func (x Exchange) ReceivedFrom(proxy ProxyOf) Exchange {
	return x.With(func(ctx context.Context, e Env) (expect.Check, error) {
		pods, err := proxy(e).Addresses(ctx)
		return expect.EchoFrom(pods...), err
	}, expect.EchoFrom().Fields()...)
}

// With adds a check that only the run can make, for what only the run knows: addresses of
// pods, certificates. The fields are those of the check.
func (x Exchange) With(check func(context.Context, Env) (expect.Check, error), fields ...expect.Field) Exchange {
	x.late = append(x.late[:len(x.late):len(x.late)], check)
	x.fields = fieldsOf(x.fields, fields)
	return x
}

// Through asks from outside through a gateway of Suite.Gateways.
func (x Exchange) Through(gateway string) Exchange {
	x.Gateway = gateway
	return x
}

// From asks from the agent's container in the first pod of an application; the
// namespace is readable.
func (x Exchange) From(namespace, app string) Exchange {
	x.Client = App{namespace, app}
	return x
}

// At connects to a server of the suite, whatever host the URL names: the address that a
// name service outside of the mesh would have given.
func (x Exchange) At(s Server, port int) Exchange {
	x.Server, x.Port = s, port
	return x
}

// LogIn sends a request to a database as the user of a login, by the name under which the
// suite made it (see Password); source is the database that knows the user.
func (x Exchange) LogIn(login, source string) Exchange {
	x.User, x.Source = login, source
	return x
}

// As gives the exchange a name by which later steps of the feature refer to the last
// answer it got.
func (x Exchange) As(name string) Exchange {
	x.Name = name
	return x
}

// Asked is the request as it is sent, which only the run may know whole.
func (x Exchange) Asked(ctx context.Context, e Env) (probe.Request, error) {
	r := x.Request
	if x.Late != nil {
		r = x.Late(e)
	}
	if x.User != "" {
		r.Mongo = e.Login(x.User).At(x.Source)
	}
	if x.Server == (Server{}) {
		return r, nil
	}
	ip, err := e.ClusterIP(ctx, x.Server.Namespace, x.Server.Service)
	r.Connect = net.JoinHostPort(ip, strconv.Itoa(x.Port))
	return r, err
}

// Look makes the request and checks the answer.
func (x Exchange) Look(ctx context.Context, e Env) (any, error) {
	o, err := x.ask(ctx, e)
	if err != nil {
		return nil, err
	}
	if err = x.judge(ctx, e, o); err != nil && x.Name != "" {
		err = fmt.Errorf("%s: %w", x.Name, err)
	}
	return o, err
}

// ask makes the request and keeps the answer under the name of the exchange.
func (x Exchange) ask(ctx context.Context, e Env) (o probe.Observation, err error) {
	r, err := x.Asked(ctx, e)
	switch {
	case err != nil:
		return o, err
	case x.Client != App{}:
		o = e.AskFrom(ctx, x.Client.Namespace, x.Client.Name, r)
	case x.Gateway != "":
		o = e.AskThrough(ctx, x.Gateway, r)
	default:
		o = e.Ask(ctx, r)
	}
	if x.Name != "" {
		e.KeepExchange(x.Name, o)
	}
	return o, nil
}

func (x Exchange) judge(ctx context.Context, e Env, o probe.Observation) error {
	if err := couldNotLook(o); err != nil {
		return err
	}
	checks := slices.Clone(x.Checks)
	for _, late := range x.late {
		check, err := late(ctx, e)
		if err != nil {
			return err
		}
		checks = append(checks, check)
	}
	return expect.All(checks...).Judge(o)
}

// Fields are those of the checks.
func (x Exchange) Fields() []expect.Field {
	return fieldsOf(x.fields, expect.All(x.Checks...).Fields())
}
