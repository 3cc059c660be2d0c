package mesh

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Upstream has the counters of an Envoy for one endpoint of a cluster.
type Upstream struct {
	Cluster string // "outbound|27018||mongo.example.com"
	Host    string // host:port
	Opened  int    // present connections (cx_active)
	Open    int    // connections at this moment (cx_active)
	Active  int    // requests that have a connection at present (rq_active)
}

// count returns the field for a counter of that name in Envoy, or nil for other counters.
func (u *Upstream) count(name string) *int {
	switch name {
	case "cx_total":
		return &u.Opened
	case "cx_active":
		return &u.Open
	case "rq_active":
		return &u.Active
	}
	return nil
}

// ParseClusters reads the response of Envoy's admin interface to /clusters. Unlike Envoy's
// statistics, the mesh configuration cannot exclude any of it.
func ParseClusters(text string) ([]Upstream, error) {
	at := map[[2]string]int{}
	var all []Upstream
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), "::")
		if len(f) != 4 || new(Upstream).count(f[2]) == nil {
			continue
		}
		n, err := strconv.Atoi(f[3])
		if err != nil {
			return nil, fmt.Errorf("clusters of a proxy: %s of %s at %s: want a number, got %q", f[2], f[0], f[1], f[3])
		}
		key := [2]string{f[0], f[1]}
		i, known := at[key]
		if !known {
			i, at[key] = len(all), len(all)
			all = append(all, Upstream{Cluster: f[0], Host: f[1]})
		}
		*all[i].count(f[2]) = n
	}
	return all, nil
}

// Of returns the endpoints of a cluster.
func Of(all []Upstream, cluster string) []Upstream {
	return slices.DeleteFunc(slices.Clone(all), func(u Upstream) bool { return u.Cluster != cluster })
}

// Sum adds up the counters of endpoints.
func Sum(all []Upstream) (sum Upstream) {
	for _, u := range all {
		sum.Opened += u.Opened
		sum.Open += u.Open
		sum.Active += u.Active
	}
	return sum
}
