// Package trace reads the spans that proxies send in Zipkin's JSON, version 2. It says which
// proxy sent which span, and which spans descend from others. It is pure.
package trace

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Span is one unit of work, as a proxy reported it.
type Span struct {
	TraceID  string            `json:"traceId"`
	ID       string            `json:"id"`
	ParentID string            `json:"parentId"` // empty for the root
	Kind     string            `json:"kind"`     // CLIENT, SERVER
	Name     string            `json:"name"`
	Tags     map[string]string `json:"tags"`
}

// Trace lists all known spans of one trace.
type Trace []Span

// Parse reads the response to a query for traces.
func Parse(raw []byte) ([]Trace, error) {
	var traces []Trace
	if err := json.Unmarshal(raw, &traces); err != nil {
		return nil, fmt.Errorf("traces: want arrays of spans in Zipkin's JSON: %w", err)
	}
	return traces, nil
}

// Directions, as in the names of a sidecar's clusters in Envoy.
const (
	Inbound  = "inbound"
	Outbound = "outbound"
)

// Proxy picks spans by the proxy that sent them.
type Proxy struct {
	Gateway   bool   // the proxy of a gateway; otherwise of a sidecar
	Namespace string // of its pod
	Workload  string // the pod's name begins with it and a dash; unused for a gateway
	Direction string // of a sidecar: Inbound or Outbound
}

func (p Proxy) String() string {
	if p.Gateway {
		return "the gateway"
	}
	return p.Workload + "'s sidecar, " + p.Direction
}

// sent reports whether the proxy sent a span. It compares the node ID, which Istio composes
// as <type>~<address>~<pod>.<namespace>~<domain> and Envoy puts into each span.
func (p Proxy) sent(s Span) bool {
	parts := strings.Split(s.Tags["node_id"], "~")
	if len(parts) != 4 || (parts[0] == "router") != p.Gateway {
		return false
	}
	pod, namespace, _ := strings.Cut(parts[2], ".")
	if namespace != p.Namespace {
		return false
	}
	return p.Gateway || strings.HasPrefix(pod, p.Workload+"-") && strings.HasPrefix(s.Tags["upstream_cluster"], p.Direction+"|")
}

// From returns the spans that a proxy sent.
func (t Trace) From(p Proxy) []Span {
	var out []Span
	for _, s := range t {
		if p.sent(s) {
			out = append(out, s)
		}
	}
	return out
}

// Descends reports whether a span has one of the others among its ancestors. It does not look
// beyond a missing span.
func (t Trace) Descends(s Span, others []Span) bool {
	wanted, parents := map[string]bool{}, map[string]string{}
	for _, o := range others {
		wanted[o.ID] = true
	}
	for _, one := range t {
		parents[one.ID] = one.ParentID
	}
	at := s.ParentID
	for range t { // a longer chain of parents is cyclic
		if wanted[at] {
			return true
		}
		at = parents[at]
	}
	return false
}

// Senders summarizes, for the message of a failure, which proxies sent how many spans for
// calls to which clusters, in the order of the spans.
func (t Trace) Senders() string {
	if len(t) == 0 {
		return "no span"
	}
	var words []string
	spans := map[string]int{}
	for _, s := range t {
		who := sender(s) + " to " + s.Tags["upstream_cluster"]
		if spans[who]++; spans[who] == 1 {
			words = append(words, who)
		}
	}
	for i, who := range words {
		words[i] = fmt.Sprintf("%d of %s", spans[who], who)
	}
	return strings.Join(words, "; ")
}

// sender is the type and pod of the proxy. Envoy leaves out the node ID in the span of a
// gateway's upstream call.
func sender(s Span) string {
	node := strings.Split(s.Tags["node_id"], "~")
	if len(node) != 4 {
		return "a proxy without node_id"
	}
	return node[0] + " " + node[2]
}
