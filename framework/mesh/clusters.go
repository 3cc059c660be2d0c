package mesh

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Upstream is what an Envoy counts of one endpoint of a cluster.
type Upstream struct {
	Cluster string // "outbound|27018||mongo.example.com"
	Host    string // host:port
	Opened  int    // connections since the proxy began (cx_total)
	Open    int    // connections at this moment (cx_active)
	Active  int    // requests at this moment that have a connection (rq_active)
}

// count is the field that Envoy calls so; nil: none that we know.
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

// ParseClusters reads what Envoy's admin interface says at /clusters: unlike its
// statistics no configuration of the mesh can leave it out.
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

// Of picks the endpoints of a cluster.
func Of(all []Upstream, cluster string) []Upstream {
	return slices.DeleteFunc(slices.Clone(all), func(u Upstream) bool { return u.Cluster != cluster })
}

// Sum adds up the counts of endpoints.
func Sum(all []Upstream) (sum Upstream) {
	for _, u := range all {
		sum.Opened += u.Opened
		sum.Open += u.Open
		sum.Active += u.Active
	}
	return sum
}
