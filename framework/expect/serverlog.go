package expect

import (
	"net/netip"
	"strings"
)

// HandshakeRefused wants the log of an external server (fixtures/world) to say why it
// refused the handshake of one client, host:port: by TLS 1.3 a client learns of the
// refusal only after it believes itself connected.
func HandshakeRefused(log []byte, client, why string) error {
	if _, err := netip.ParseAddrPort(client); err != nil || why == "" {
		return errNoChecks
	}
	got := "no word of " + client
	for line := range strings.Lines(string(log)) {
		if !strings.Contains(line, "handshake error from "+client+":") {
			continue
		}
		if got = strings.TrimSpace(line); strings.Contains(line, why) {
			return nil
		}
	}
	return differ(FieldServerLog, "… "+why+" …", got)
}
