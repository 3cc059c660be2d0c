package tlsorigination

import (
	"context"
	"maps"
	"net"
	"slices"
	"strings"

	"meshgate/framework/expect"
	"meshgate/framework/manifest"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

// way is how one host is reached: the fixtures of secure.example.com, fitted to it.
func way(host string, edits ...manifest.Edit) suite.Given {
	name := nameOf(host)
	fit := []manifest.Edit{
		manifest.SetField("DestinationRule", "secure-to-gateway", name, "spec", "subsets", "0", "name"),
		manifest.SetField("VirtualService", "secure", name, "spec", "http", "0", "route", "0", "destination", "subset"),
		manifest.SetField("Gateway", "secure", "https-"+name, "spec", "servers", "0", "port", "name"),
	}
	if host != secure {
		fit = append(fit, manifest.Hosts(map[string]string{secure: host}),
			manifest.Rename(map[string]string{"secure": name, "secure-to-gateway": name + "-to-gateway", "secure-for-gateway": name + "-for-gateway"}))
	}
	return toGateway(suite.Edited(suite.Apply("tls-origination/http/*.yaml"), append(fit, edits...)...), name, "http")
}

// nameOf is what a host's objects are called.
func nameOf(host string) string {
	name, _, _ := strings.Cut(host, ".")
	return name
}

// toGateway fits what leads to the gateway to how the mesh calls it.
func toGateway(g suite.Given, name, protocol string) suite.Given {
	return func(e *suite.Env) (manifest.Set, error) {
		service := e.Gateway(gateway).Service()
		return suite.Edited(g, forItsPods(e),
			manifest.SetField("DestinationRule", name+"-to-gateway", service, "spec", "host"),
			manifest.SetField("VirtualService", name, service, "spec", protocol, "0", "route", "0", "destination", "host"))(e)
	}
}

// forItsPods has the gateway's rules for the hosts beyond obeyed by its own pods alone.
// Another gateway of the namespace waits for CAs that it has not, 15 s each time, and
// acknowledges no clusters meanwhile: nothing new would be known to be on it.
func forItsPods(e *suite.Env) manifest.Edit {
	return manifest.RulesFor("istio-system", e.Gateway(gateway).Selector)
}

// verify is how the gateway speaks to a host whose CA is in a secret: TLS as the fixture
// has it, with credentialName instead of a file, and what more says.
func verify(host, secret string, more map[string]any) map[string]any {
	t := map[string]any{"mode": "SIMPLE", "credentialName": secret, "sni": host, "subjectAltNames": []any{host}}
	maps.Copy(t, more)
	return t
}

// byCredential has it so.
func byCredential(host, secret string, more map[string]any) manifest.Edit {
	return manifest.SetField("DestinationRule", nameOf(host), verify(host, secret, more), tlsPath...)
}

// tlsPath is where a DestinationRule says it.
var tlsPath = []string{"spec", "trafficPolicy", "portLevelSettings", "0", "tls"}

func tlsField(name string) []string { return append(slices.Clone(tlsPath), name) }

// spoken changes a field of it while the feature runs.
func spoken(host, field string, value any) func(context.Context, *suite.Env) error {
	return func(ctx context.Context, e *suite.Env) error {
		return e.Edit(ctx, manifest.SetField("DestinationRule", nameOf(host), value, tlsField(field)...))
	}
}

// plain asks for a host as applications do that leave TLS to the gateway. They connect to
// the address that a name service outside would have given.
func (w *outside) plain(host string) func(*suite.Env) probe.Request {
	return func(*suite.Env) probe.Request {
		r := probe.GET("http://" + host + "/")
		r.Connect = net.JoinHostPort(w.world, "80")
		return r
	}
}

// fromAgent asks from a pod of the mesh.
func fromAgent(r func(*suite.Env) probe.Request, checks ...expect.Check) suite.Exchange {
	return suite.AskLate(r, checks...).From("bookinfo", "agent")
}

// overTLS is an answer of the host itself, which was asked over TLS by the gateway.
func overTLS(sni string) expect.Check {
	return expect.All(expect.Status(200), expect.EchoTLS("1.2", "1.3"), expect.EchoSNI(sni))
}

// exchange is one request of the agent, and what the proxies' logs say of it.
type exchange struct {
	seen probe.Observation
	of   *suite.Env // the run of the feature in which it was seen
}

// asked is the request, until the answer is right.
func (x *exchange) asked(name string, r func(*suite.Env) probe.Request, check func(context.Context, *suite.Env) (expect.Check, error)) suite.Step {
	return suite.Becomes(name, func(ctx context.Context, e *suite.Env) error {
		right, err := check(ctx, e)
		if err != nil {
			return err
		}
		x.seen = e.AskFrom(ctx, "bookinfo", "agent", r(e))
		return right(x.seen)
	})
}

// logged is what a proxy's one line of it says.
func (x *exchange) logged(name string, by func(*suite.Env) suite.Proxy, says func(*suite.Env) []expect.LineCheck) suite.Step {
	return suite.Becomes(name, func(ctx context.Context, e *suite.Env) error {
		lines, err := by(e).Lines(ctx)
		if err != nil {
			return err
		}
		return expect.ExactlyOne(lines, append([]expect.LineCheck{suite.Of(x.seen)}, says(e)...)...)
	})
}

func sidecar(e *suite.Env) suite.Proxy   { return e.Sidecar("bookinfo", "agent") }
func atGateway(e *suite.Env) suite.Proxy { return e.Through(gateway) }

func says(checks ...expect.LineCheck) func(*suite.Env) []expect.LineCheck {
	return func(*suite.Env) []expect.LineCheck { return checks }
}
