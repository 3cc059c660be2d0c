package hop

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"

	"meshgate/framework/accesslog"
)

// maxChosen bounds the part of a proxy's configuration that is kept, in bytes. The evidence
// has all of it.
const maxChosen = 32 << 10

// Paths are the paths of a proxy's admin interface that Chosen needs.
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

// Chosen extracts from the responses to Paths the configuration from which a proxy chose for
// a request: the virtual hosts that match its authority, in these the route that the
// access-log line names (all routes if it names none), and the cluster.
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
			return nil, fmt.Errorf("config_dump of the proxy: %w", err)
		}
		for _, c := range dump.Configs {
			out.Routes = append(out.Routes, c.RouteConfig.chosen(l)...)
			if c.Cluster != nil {
				out.Cluster = append(out.Cluster, c.Cluster)
			}
		}
	}
	raw, err := json.Marshal(out)
	if len(raw) > maxChosen {
		return nil, fmt.Errorf("config_dump of the proxy: want at most %d bytes about this request, got %d: see config_dump.json", maxChosen, len(raw))
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

// route is the part of a virtual host that matches a request.
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
