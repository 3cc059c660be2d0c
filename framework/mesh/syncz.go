package mesh

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// SyncState is how far one type of configuration has reached one proxy.
type SyncState string

// The states, named as in `istioctl proxy-status`.
const (
	Synced  SyncState = "SYNCED"   // the proxy acknowledged what was last sent
	NotSent SyncState = "NOT SENT" // the control plane had nothing to send
	Stale   SyncState = "STALE"    // sent, and not acknowledged yet
)

// The types of configuration that every supported istiod reports on.
const (
	CDS  = "CDS"
	LDS  = "LDS"
	EDS  = "EDS"
	RDS  = "RDS"
	ECDS = "ECDS"
)

// TypeStatus is the state of one type of configuration on one proxy. Sent and Acked are the
// control plane's nonces.
type TypeStatus struct {
	State SyncState `json:"state"`
	Sent  string    `json:"sent,omitempty"`
	Acked string    `json:"acked,omitempty"`
	// SentAt and Error are unknown for older versions, such as 1.22: there a rejected
	// configuration stays STALE.
	SentAt time.Time `json:"sentAt,omitzero"`
	// Error is why the proxy rejected what it was sent last.
	Error string `json:"error,omitempty"`
}

// ProxyStatus is the status of one proxy as reported by the istiod to which it is connected.
type ProxyStatus struct {
	Proxy     string                `json:"proxy"` // pod name
	Namespace string                `json:"namespace"`
	Type      string                `json:"type,omitempty"` // "sidecar", "router"; empty when istiod does not say
	Version   string                `json:"version"`        // Istio's, as the proxy announced it
	Istiod    string                `json:"istiod"`         // the control plane's pod that said so
	Types     map[string]TypeStatus `json:"types"`
}

// Check is nil when the proxy has acknowledged everything that it was sent, and was sent
// clusters and listeners, without which it serves nothing.
func (p ProxyStatus) Check() error {
	var why []string
	for _, t := range slices.Sorted(maps.Keys(p.Types)) {
		if t == secretType {
			continue
		}
		if s := p.Types[t]; s.Error != "" {
			why = append(why, t+" rejected by the proxy: "+short(s.Error))
		} else if s.State == Stale || s.State == NotSent && (t == CDS || t == LDS) {
			why = append(why, t+" "+string(s.State))
		}
	}
	if len(why) == 0 {
		return nil
	}
	return fmt.Errorf("proxy %s/%s: want %s, got %s", p.Namespace, p.Proxy, Synced, strings.Join(why, ", "))
}

// errorLength shortens a long error in a line of progress; TypeStatus.Error has all of it.
const errorLength = 240

func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > errorLength {
		text = text[:errorLength] + "…"
	}
	return text
}

// statusJSON is an element of /debug/syncz in Istio 1.22 to 1.31. The flat fields are the
// same in all; Resources was added later and has errors.
type statusJSON struct {
	Proxy         string `json:"proxy"`
	ProxyType     string `json:"proxy_type"`
	IstioVersion  string `json:"istio_version"`
	ClusterSent   string `json:"cluster_sent"`
	ClusterAcked  string `json:"cluster_acked"`
	ListenerSent  string `json:"listener_sent"`
	ListenerAcked string `json:"listener_acked"`
	RouteSent     string `json:"route_sent"`
	RouteAcked    string `json:"route_acked"`
	EndpointSent  string `json:"endpoint_sent"`
	EndpointAcked string `json:"endpoint_acked"`
	ExtSent       string `json:"extensionconfig_sent"`
	ExtAcked      string `json:"extensionconfig_acked"`
	Resources     map[string]struct {
		Sent      string    `json:"sent"`
		Acked     string    `json:"acked"`
		SentTime  time.Time `json:"sentTime"`
		LastError string    `json:"lastError"`
	} `json:"resources"`
}

// typeURLs names the types by what Envoy's API calls them.
var typeURLs = map[string]string{
	"type.googleapis.com/envoy.config.cluster.v3.Cluster":                CDS,
	"type.googleapis.com/envoy.config.listener.v3.Listener":              LDS,
	"type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment": EDS,
	"type.googleapis.com/envoy.config.route.v3.RouteConfiguration":       RDS,
	"type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig":      ECDS,
}

// ParseSyncz parses istiod's response to /debug/syncz, in the forms of Istio 1.22 to 1.31. It
// notes the istiod's pod in every status.
func ParseSyncz(istiod string, body []byte) ([]ProxyStatus, error) {
	var raw []statusJSON
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, fmt.Errorf("syncz of %s: want a JSON list of proxies: %w, got %.80q", istiod, err, body)
	}
	out := make([]ProxyStatus, 0, len(raw))
	for _, r := range raw {
		i := strings.LastIndex(r.Proxy, ".")
		if i < 1 {
			return nil, fmt.Errorf("syncz of %s: proxy: want pod.namespace, got %q", istiod, r.Proxy)
		}
		out = append(out, ProxyStatus{Proxy: r.Proxy[:i], Namespace: r.Proxy[i+1:], Type: r.ProxyType,
			Version: r.IstioVersion, Istiod: istiod, Types: r.types()})
	}
	return out, nil
}

func (r statusJSON) types() map[string]TypeStatus {
	types := map[string]TypeStatus{
		CDS:  status(r.ClusterSent, r.ClusterAcked),
		LDS:  status(r.ListenerSent, r.ListenerAcked),
		RDS:  status(r.RouteSent, r.RouteAcked),
		EDS:  status(r.EndpointSent, r.EndpointAcked),
		ECDS: status(r.ExtSent, r.ExtAcked),
	}
	for url, res := range r.Resources {
		if t, known := typeURLs[url]; known {
			s := types[t]
			s.SentAt, s.Error = res.SentTime, res.LastError
			types[t] = s
		} else if res.LastError != "" {
			s := status(res.Sent, res.Acked)
			s.SentAt, s.Error = res.SentTime, res.LastError
			types[shortType(url)] = s
		}
	}
	return types
}

func status(sent, acked string) TypeStatus {
	s := TypeStatus{State: Stale, Sent: sent, Acked: acked}
	switch {
	case sent == "":
		s.State = NotSent
	case sent == acked:
		s.State = Synced
	}
	return s
}

// secretType is the result of shortType for certificates and keys.
const secretType = "Secret"

func shortType(url string) string { return url[strings.LastIndexAny(url, "./")+1:] }
