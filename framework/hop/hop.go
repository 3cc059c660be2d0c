// Package hop follows one request through the mesh by the proxies' access logs, and names the
// first hop that is wrong. It is pure: the caller provides the records.
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

// Proxy identifies an Envoy.
type Proxy struct {
	// Name is its name for people: "gateway istio-ingressgateway", "sidecar of reviews".
	Name string
	// Namespace and Pod identify the pod, IP is its address.
	Namespace, Pod, IP string
	// Gateway says that it is a gateway, and not the sidecar of a client or server.
	Gateway bool
}

// Where is the pod as namespace/name.
func (p Proxy) Where() string { return p.Namespace + "/" + p.Pod }

// Record is one line of a proxy's access log.
type Record struct {
	Proxy Proxy
	Line  accesslog.Line
}

// Follow returns the records of one request in the order of its hops: of the request that was
// observed and of the one that wrote the line; either may be nil. It recognizes an HTTP
// request by its request IDs, and a TCP connection by the address of its client.
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

// inOrder sorts each record after that of the hop that sent the request to it. Otherwise it
// uses the time, which may differ between two nodes.
func inOrder(taken []Record) []Record {
	slices.SortStableFunc(taken, func(a, b Record) int {
		return cmp.Or(a.Line.Start.Compare(b.Line.Start), cmp.Compare(b.Line.Duration, a.Line.Duration))
	})
	var path []Record
	for len(taken) > 0 {
		// Every record has a predecessor only in a cycle; then the order by time decides.
		first := max(0, slices.IndexFunc(taken, func(r Record) bool {
			return !slices.ContainsFunc(taken, func(before Record) bool { return before.goesTo(r) })
		}))
		path = append(path, taken[first])
		taken = slices.Delete(taken, first, first+1)
	}
	return path
}

// goesTo reports whether the record's proxy sent its request to the other record's proxy.
func (r Record) goesTo(other Record) bool {
	host := upstream(r.Line)
	return r.Proxy != other.Proxy && host != "" && host == other.Proxy.IP
}

// trail has the identifiers by which a request is recognized.
type trail struct {
	ids     map[string]bool // its request IDs: a gateway may assign a new one
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

// next is the index of the record of the hop to which record i sent the request, or -1.
func next(path []Record, i int) int {
	from := path[i].Line
	host := upstream(from)
	return slices.IndexFunc(path, func(r Record) bool {
		return r.Proxy != path[i].Proxy &&
			(host != "" && r.Proxy.IP == host || set(from.UpstreamLocal) && r.Line.DownstreamRemote == from.UpstreamLocal)
	})
}

// Complete is nil when every proxy to which the request was sent has a record in the path.
// Proxies write their lines at different times, so it must be polled.
func Complete(path []Record, proxies []Proxy) error {
	if len(path) == 0 {
		return errors.New("no proxy has an access-log line of the request")
	}
	for i, r := range path {
		host := upstream(r.Line)
		to := slices.IndexFunc(proxies, func(p Proxy) bool { return p.IP == host && host != "" && p != r.Proxy })
		if to >= 0 && next(path, i) < 0 {
			return fmt.Errorf("%s has no access-log line of the request", proxies[to].Name)
		}
	}
	return nil
}

// upstream is the address, without port, to which a proxy sent a request.
func upstream(l accesslog.Line) string {
	host, _, _ := net.SplitHostPort(l.UpstreamHost)
	return host
}

func isHTTP(l accesslog.Line) bool { return set(l.Method) }

// set reports whether a field has a value; Envoy writes "-" for none.
func set(value string) bool { return value != "" && value != "-" }
