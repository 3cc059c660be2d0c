package tlsorigination

import (
	"maps"
	"slices"
	"strings"

	"meshgate/framework/manifest"
	"meshgate/framework/suite"
)

// routed is how one host is reached through the gateway: the fixtures of
// secure.example.com, fitted to the host.
func routed(host string, edits ...manifest.Edit) suite.Setup {
	name := nameOf(host)
	fit := []manifest.Edit{
		manifest.SetField("DestinationRule", "secure-to-gateway", name, "spec", "subsets", "0", "name"),
		manifest.SetField("VirtualService", "secure", name, "spec", "http", "0", "route", "0", "destination", "subset"),
		manifest.SetField("Gateway", "secure", "https-"+name, "spec", "servers", "0", "port", "name"),
	}
	if host != secure {
		fit = append(fit, manifest.Hosts(map[string]string{secure: host}),
			manifest.Rename(map[string]string{"secure": name, "secure-to-gateway": name + "-to-gateway", "secure-for-gateway": name + "-for-gateway"}))
	}
	return toGateway(suite.Edited(suite.Fixtures("tls-origination/http/*.yaml"), append(fit, edits...)...), name, "http")
}

// nameOf is what a host's objects are called.
func nameOf(host string) string {
	name, _, _ := strings.Cut(host, ".")
	return name
}

// toGateway names the gateway's Service, which differs from mesh to mesh, in the objects
// that route to it.
func toGateway(s suite.Setup, name, protocol string) suite.Setup {
	return func(e suite.Env) (manifest.Set, error) {
		service := e.Gateway(gateway).Service()
		return suite.Edited(s, forItsPods(e),
			manifest.SetField("DestinationRule", name+"-to-gateway", service, "spec", "host"),
			manifest.SetField("VirtualService", name, service, "spec", protocol, "0", "route", "0", "destination", "host"))(e)
	}
}

// forItsPods limits the gateway's rules for the external hosts to its own pods. Another
// gateway of the namespace would wait 15 s for each CA that it does not have, and would not
// acknowledge clusters meanwhile: the runner could not see when it is up to date.
func forItsPods(e suite.Env) manifest.Edit {
	return manifest.RulesFor("istio-system", e.Gateway(gateway).Selector)
}

// byCredential has the gateway verify a host by the CA in a secret, instead of a file. more
// are further settings.
func byCredential(host, secret string, more map[string]any) manifest.Edit {
	return manifest.SetField("DestinationRule", nameOf(host), verified(host, secret, more), tlsPath()...)
}

// verified are the TLS settings of byCredential.
func verified(host, secret string, more map[string]any) map[string]any {
	t := map[string]any{"mode": "SIMPLE", "credentialName": secret, "sni": host, "subjectAltNames": []any{host}}
	maps.Copy(t, more)
	return t
}

// byFile are TLS settings that trust the run's CA by the file that the gateway mounts, which
// no secret of a feature changes.
func byFile(host string) map[string]any {
	return map[string]any{"mode": "SIMPLE", "caCertificates": "/etc/secrets/" + mounted + "/ca.crt", "sni": host, "subjectAltNames": []any{host}}
}

// unverified are TLS settings that trust anybody.
func unverified(host string) map[string]any {
	return map[string]any{"mode": "SIMPLE", "insecureSkipVerify": true, "sni": host}
}

// tlsPath is where the DestinationRule of a host has its TLS settings, or one of them.
func tlsPath(field ...string) []string {
	return slices.Concat([]string{"spec", "trafficPolicy", "portLevelSettings", "0", "tls"}, field)
}

// setTLS changes one of these settings while the feature runs.
func setTLS(host, field string, value any) suite.Action {
	return suite.Set("DestinationRule", nameOf(host), value, tlsPath(field)...)
}
