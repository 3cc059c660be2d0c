package hop

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"

	"meshgate/framework/accesslog"
)

// most bounds what is kept of a proxy's configuration, in bytes. All of it is in the
// evidence.
const most = 32 << 10

// Paths are what to ask of a proxy's admin interface for Chosen.
func Paths(l accesslog.Line) []string {
	var out []string
	if isHTTP(l) {
		out = append(out, "config_dump?resource=dynamic_route_configs")
	}
	if set(l.UpstreamCluster) {
		out = append(out, "config_dump?resource=dynamic_active_clusters&name_regex="+url.QueryEscape("^"+regexp.QuoteMeta(l.UpstreamCluster)+"$"))
	}
	return out
}

// Chosen narrows the answers to Paths down to what a proxy chose from for a request: the
// virtual hosts of its authority, of these the route that the line names (all if it names
// none), and the cluster.
func Chosen(l accesslog.Line, answers ...[]byte) (json.RawMessage, error) {
	out := struct {
		Routes  []route           `json:"routes,omitempty"`
		Cluster []json.RawMessage `json:"cluster,omitempty"`
	}{}
	for _, a := range answers {
		var dump struct {
			Configs []struct {
				RouteConfig routeConfig     `json:"route_config"`
				Cluster     json.RawMessage `json:"cluster"`
			} `json:"configs"`
		}
		if err := json.Unmarshal(a, &dump); err != nil {
			return nil, fmt.Errorf("configuration of the proxy: %w", err)
		}
		for _, c := range dump.Configs {
			out.Routes = append(out.Routes, c.RouteConfig.chosen(l)...)
			if c.Cluster != nil {
				out.Cluster = append(out.Cluster, c.Cluster)
			}
		}
	}
	raw, err := json.Marshal(out)
	if len(raw) > most {
		return nil, fmt.Errorf("configuration of the proxy: %d bytes of it are about this request, see config_dump.json", len(raw))
	}
	return raw, err
}

type routeConfig struct {
	Name         string `json:"name"`
	VirtualHosts []struct {
		Name    string            `json:"name"`
		Domains []string          `json:"domains"`
		Routes  []json.RawMessage `json:"routes"`
	} `json:"virtual_hosts"`
}

// route is what a virtual host has for a request.
type route struct {
	Config      string            `json:"routeConfig"`
	VirtualHost string            `json:"virtualHost"`
	Routes      []json.RawMessage `json:"routes"`
}

func (c routeConfig) chosen(l accesslog.Line) []route {
	var out []route
	for _, vh := range c.VirtualHosts {
		if !slices.Contains(vh.Domains, l.Authority) {
			continue
		}
		routes := slices.Clone(vh.Routes)
		if set(l.RouteName) {
			routes = slices.DeleteFunc(routes, func(raw json.RawMessage) bool { return nameOf(raw) != l.RouteName })
		}
		if len(routes) > 0 {
			out = append(out, route{c.Name, vh.Name, routes})
		}
	}
	return out
}

func nameOf(route json.RawMessage) string {
	var named struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(route, &named) // what has no name is not the one
	return named.Name
}
