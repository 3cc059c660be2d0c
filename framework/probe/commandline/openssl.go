package commandline

import (
	"net"
	"strings"

	"meshgate/framework/probe"
)

// openssl is the command for a TLS handshake, and what is written and read after it.
func (c *command) openssl(a probe.Attempt) {
	c.add("openssl", "s_client", "-connect", a.Address)
	if a.ServerName == "" || net.ParseIP(a.ServerName) != nil {
		c.add("-noservername")
	} else {
		c.add("-servername", a.ServerName)
	}
	c.verify(a)
	o := a.TLS
	if o.CertPEM != "" {
		c.add("-cert", c.file("client.pem", o.CertPEM), "-key", c.file("client-key.pem", o.KeyPEM))
	}
	if len(o.ALPN) > 0 {
		c.add("-alpn", strings.Join(o.ALPN, ","))
	}
	if o.Min != "" || o.Max != "" {
		c.add("-min_protocol", "TLSv"+openSSL(lowest(o)), "-max_protocol", "TLSv"+openSSL(highest(o)))
	}
	if lowest(o) < "1.2" {
		c.add("-cipher", weak)
	}
	switch {
	case a.Read > 0:
		c.add("-quiet")
	case a.Body != "":
		c.add("-quiet", "-no_ign_eof")
	}
	c.input(a)
}

// openSSL is its name for a version of TLS.
func openSSL(version string) string { return strings.TrimSuffix(version, ".0") }

func (c *command) verify(a probe.Attempt) {
	if a.TLS.RootsPEM != "" {
		c.add("-CAfile", c.file("ca.pem", a.TLS.RootsPEM), "-no-CApath", "-no-CAstore")
	}
	switch {
	case net.ParseIP(a.VerifyName) != nil:
		c.add("-verify_ip", a.VerifyName)
	case a.VerifyName != "":
		c.add("-verify_hostname", a.VerifyName)
	}
	if !a.TLS.SkipVerify {
		c.add("-verify_return_error")
	}
}

// nc is the command for a TCP connection, and what is written and read on it.
func (c *command) nc(a probe.Attempt) {
	host, port, _ := net.SplitHostPort(a.Address) // Plan has made sure that it is one
	c.add("nc", "-v", "-w", wholeSeconds(a.Timeout))
	if a.Read == 0 && a.Body == "" {
		c.add("-z", host, port)
		return
	}
	c.add(host, port)
	c.input(a)
}

// input is what is written first; nothing is not the terminal.
func (c *command) input(a probe.Attempt) {
	if a.Body != "" {
		c.reads("body", a.Body)
		return
	}
	c.suffix = " </dev/null"
}
