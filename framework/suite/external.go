package suite

import (
	"net/netip"

	"meshgate/framework/manifest"
)

// ExternalAddress fits a ServiceEntry with one endpoint to where a load balancer answers:
// an IP address as it is, or a name that the proxies resolve.
func ExternalAddress(serviceEntry, host string) []manifest.Edit {
	set := func(value any, path ...string) manifest.Edit {
		return manifest.SetField("ServiceEntry", serviceEntry, value, append([]string{"spec"}, path...)...)
	}
	edits := []manifest.Edit{set(host, "endpoints", "0", "address")}
	if _, err := netip.ParseAddr(host); err == nil {
		return append(edits, set([]any{host}, "addresses"))
	}
	return append(edits, set("DNS", "resolution"), manifest.RemoveField("ServiceEntry", serviceEntry, "spec", "addresses"))
}
