// Package hop follows one request through the mesh by what each proxy wrote of it, and
// names the first hop that is wrong. It is pure: whoever asks brings the records.
package hop

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"

	"meshgate/framework/accesslog"
	"meshgate/framework/probe"
)

// Proxy is where an Envoy stands.
type Proxy struct {
	// Name is what people call it: "gateway istio-ingressgateway", "sidecar of reviews".
	Name string
	// Namespace and Pod say which it is, IP is the pod's address.
	Namespace, Pod, IP string
	// Gateway says that clients connect to it, and not it to servers for a client.
	Gateway bool
}

// Where is its pod, as namespace/name.
func (p Proxy) Where() string { return p.Namespace + "/" + p.Pod }

// Record is a line of a proxy's access log.
type Record struct {
	Proxy Proxy
	Line  accesslog.Line
}

// Follow picks the records of one request, in the order in which it went: of the one that
// was observed, and of the one that left the line; either may be nil. From hop to hop it
// is known by its ID, and a connection by the address that its client had.
func Follow(seen *probe.Observation, line *accesslog.Line, all []Record) []Record {
	t := trail{ids: map[string]bool{}, clients: map[string]bool{}}
	if seen != nil {
		t.ids[seen.RequestID] = true
		t.clients[seen.Local] = true
		for _, c := range seen.Connections {
			t.clients[c] = true
		}
	}
	left := slices.Clone(all)
	for found := true; found; {
		found = false
		left = slices.DeleteFunc(left, func(r Record) bool {
			if !t.leadsTo(r.Line) && (line == nil || r.Line.Raw != line.Raw) {
				return false
			}
			t.take(r)
			found = true
			return true
		})
	}
	return inOrder(t.taken)
}

// inOrder puts each record behind that of the hop that sent the request there, and else
// goes by the clock, in which hops on two nodes may differ.
func inOrder(taken []Record) []Record {
	slices.SortStableFunc(taken, func(a, b Record) int {
		return cmp.Or(a.Line.Start.Compare(b.Line.Start), cmp.Compare(b.Line.Duration, a.Line.Duration))
	})
	var way []Record
	for len(taken) > 0 {
		// None but those that go round in a circle: there the clock decides.
		first := max(0, slices.IndexFunc(taken, func(r Record) bool {
			return !slices.ContainsFunc(taken, func(before Record) bool { return before.goesTo(r) })
		}))
		way = append(way, taken[first])
		taken = slices.Delete(taken, first, first+1)
	}
	return way
}

// goesTo says that the record's proxy sent its request to the other's.
func (r Record) goesTo(other Record) bool {
	host := upstream(r.Line)
	return r.Proxy != other.Proxy && host != "" && host == other.Proxy.IP
}

// trail is what is known of a request while it is followed.
type trail struct {
	ids     map[string]bool // that it had, as gateways give it new ones
	clients map[string]bool // host:port of each hop's client
	taken   []Record
}

func (t *trail) leadsTo(l accesslog.Line) bool {
	if !isHTTP(l) {
		return set(l.DownstreamRemote) && t.clients[l.DownstreamRemote]
	}
	for id := range t.ids {
		if len(accesslog.Find([]accesslog.Line{l}, id)) > 0 {
			return true
		}
	}
	return false
}

func (t *trail) take(r Record) {
	t.taken = append(t.taken, r)
	if set(r.Line.RequestID) {
		t.ids[r.Line.RequestID] = true
	}
	if set(r.Line.UpstreamLocal) {
		t.clients[r.Line.UpstreamLocal] = true
	}
}

// next is the record of the hop that record i went to, or -1.
func next(way []Record, i int) int {
	from := way[i].Line
	host := upstream(from)
	return slices.IndexFunc(way, func(r Record) bool {
		return r.Proxy != way[i].Proxy &&
			(host != "" && r.Proxy.IP == host || set(from.UpstreamLocal) && r.Line.DownstreamRemote == from.UpstreamLocal)
	})
}

// Whole says what is missing of a way: every proxy that a request went to writes a line of
// it, some sooner than others.
func Whole(way []Record, proxies []Proxy) error {
	if len(way) == 0 {
		return errors.New("no proxy has a line of it")
	}
	for i, r := range way {
		host := upstream(r.Line)
		to := slices.IndexFunc(proxies, func(p Proxy) bool { return p.IP == host && host != "" && p != r.Proxy })
		if to >= 0 && next(way, i) < 0 {
			return fmt.Errorf("%s has no line of it", proxies[to].Name)
		}
	}
	return nil
}

// upstream is the address that a proxy sent a request to, without its port.
func upstream(l accesslog.Line) string {
	host, _, _ := net.SplitHostPort(l.UpstreamHost)
	return host
}

func isHTTP(l accesslog.Line) bool { return set(l.Method) }

// set says that a line has a value there; Envoy writes "-" for none.
func set(value string) bool { return value != "" && value != "-" }
