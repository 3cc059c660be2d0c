package expect

import "meshgate/framework/probe"

// Headers by which Istio's proxies are told from applications. Envoy puts its name
// into every response it passes on or makes; only to one that an upstream gave
// does it add how long that took.
const (
	serverHeader      = "Server"
	serverName        = "istio-envoy"
	serviceTimeHeader = "X-Envoy-Upstream-Service-Time"
)

// FromGateway wants a response that the gateway itself made: no upstream was asked.
func FromGateway() Check {
	return CheckOf([]Field{HeaderField(serverHeader), FieldMadeBy}, func(o probe.Observation) error {
		return verdict(o, header(o, serverHeader, serverName), madeBy(o, "the gateway itself"))
	})
}

// FromApp wants a response that an upstream gave and Envoy passed on.
func FromApp() Check {
	return CheckOf([]Field{HeaderField(serverHeader), FieldMadeBy}, func(o probe.Observation) error {
		return verdict(o, header(o, serverHeader, serverName), madeBy(o, "an upstream"))
	})
}

// FromUpstream is FromApp for a client in the mesh, whose sidecar calls itself "envoy".
func FromUpstream() Check {
	return CheckOf([]Field{FieldMadeBy}, func(o probe.Observation) error { return verdict(o, madeBy(o, "an upstream")) })
}

func madeBy(o probe.Observation, want string) error {
	got := "the gateway itself"
	if o.Failure != nil {
		got = outcome(o)
	} else if _, passedOn := value(o, serviceTimeHeader); passedOn {
		got = "an upstream"
	}
	return differ(FieldMadeBy, want, got)
}
