// Package trace reads the spans that proxies send in Zipkin's JSON, version 2, and
// says which proxy sent which and what descends from what. It is pure.
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

// Trace is every span that is known of one trace.
type Trace []Span

// Parse reads the answer to a query for traces.
func Parse(raw []byte) ([]Trace, error) {
	var traces []Trace
	if err := json.Unmarshal(raw, &traces); err != nil {
		return nil, fmt.Errorf("traces: want arrays of spans in Zipkin's JSON: %w", err)
	}
	return traces, nil
}

// Directions, as Envoy names the clusters of a sidecar.
const (
	Inbound  = "inbound"
	Outbound = "outbound"
)

// Proxy picks spans by the proxy that sent them.
type Proxy struct {
	Gateway   bool   // a gateway's, else a sidecar's
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

// sent tells by the node's ID, which Istio composes as
// <type>~<address>~<pod>.<namespace>~<domain> and Envoy puts into each span.
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

// From is the spans that a proxy sent.
func (t Trace) From(p Proxy) []Span {
	var out []Span
	for _, s := range t {
		if p.sent(s) {
			out = append(out, s)
		}
	}
	return out
}

// Descends says whether a span has one of the others among its ancestors. A chain
// with a gap does not reach beyond it.
func (t Trace) Descends(s Span, others []Span) bool {
	wanted, parents := map[string]bool{}, map[string]string{}
	for _, o := range others {
		wanted[o.ID] = true
	}
	for _, one := range t {
		parents[one.ID] = one.ParentID
	}
	at := s.ParentID
	for range t { // a chain that is longer than the trace runs in a circle
		if wanted[at] {
			return true
		}
		at = parents[at]
	}
	return false
}

// Senders says in short who sent how many spans and for calls to where, in the order
// in which they were first heard of, for a failure's words.
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

// sender is type and pod of the proxy. Envoy leaves its node's ID out of the span of
// a gateway's upstream call.
func sender(s Span) string {
	node := strings.Split(s.Tags["node_id"], "~")
	if len(node) != 4 {
		return "a proxy without node_id"
	}
	return node[0] + " " + node[2]
}
