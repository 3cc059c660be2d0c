package mesh

import (
	"fmt"
	"strconv"
	"strings"
)

// Upstream is what an Envoy counts of one endpoint of a cluster.
type Upstream struct {
	Cluster string // "outbound|27018||mongo.example.com"
	Host    string // host:port
	Opened  int    // connections since the proxy began (cx_total)
	Open    int    // connections at this moment (cx_active)
}

// ParseClusters reads what Envoy's admin interface says at /clusters: unlike its
// statistics no configuration of the mesh can leave it out.
func ParseClusters(text string) ([]Upstream, error) {
	at := map[[2]string]int{}
	var all []Upstream
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), "::")
		if len(f) != 4 || f[2] != "cx_total" && f[2] != "cx_active" {
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
		if f[2] == "cx_total" {
			all[i].Opened = n
		} else {
			all[i].Open = n
		}
	}
	return all, nil
}

// Opened adds up the connections that were opened to a cluster.
func Opened(all []Upstream, cluster string) int {
	sum := 0
	for _, u := range all {
		if u.Cluster == cluster {
			sum += u.Opened
		}
	}
	return sum
}
