package commandline

import (
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"meshgate/framework/probe"
)

// maxInline is the longest body that stands in the line.
const maxInline = 500

// curl is the command for HTTP, with and without TLS. What curl would add of its own is
// taken out.
func (c *command) curl(a probe.Attempt) {
	c.add("curl", "-q", "-v", "--noproxy", "*", "--max-time", strconv.FormatFloat(a.Timeout.Seconds(), 'f', -1, 64))
	c.version(a)
	if a.Secure {
		c.trust(a)
	}
	c.method(a)
	c.headers(a)
	c.where(a)
}

// version is that of HTTP.
func (c *command) version(a probe.Attempt) {
	switch offered := strings.Join(a.TLS.ALPN, " "); {
	case !a.Secure || offered == "http/1.1":
		c.add("--http1.1")
	case offered == "":
		c.add("--http1.1", "--no-alpn")
	default:
		c.add("--http2")
		if offered != "h2 http/1.1" {
			c.note("curl offers h2 and http/1.1 by ALPN, the probe %s", offered)
		}
	}
}

func (c *command) trust(a probe.Attempt) {
	o := a.TLS
	if o.RootsPEM != "" {
		c.add("--cacert", c.file("ca.pem", o.RootsPEM))
	}
	if o.SkipVerify {
		c.add("-k")
	}
	if o.CertPEM != "" {
		c.add("--cert", c.file("client.pem", o.CertPEM), "--key", c.file("client-key.pem", o.KeyPEM))
	}
	if o.Min != "" || o.Max != "" {
		c.add("--tlsv"+lowest(o), "--tls-max", highest(o))
	}
	if lowest(o) < "1.2" {
		c.add("--ciphers", weak)
	}
}

func (c *command) method(a probe.Attempt) {
	switch body := a.HasBody(); {
	case a.Method == http.MethodHead && !body:
		c.add("-I")
	case body && a.Method != http.MethodPost, !body && a.Method != http.MethodGet:
		c.add("-X", a.Method)
	}
	if !a.HasBody() {
		return
	}
	body := a.Body
	if !shows(body) || strings.HasPrefix(body, "@") || len(body) > maxInline {
		body = "@" + c.file("body", body)
	}
	c.add("--data-binary", body)
}

func (c *command) headers(a probe.Attempt) {
	has := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(a.Header)) {
		has[strings.ToLower(name)] = true
		for _, value := range a.Header[name] {
			if !strings.EqualFold(name, "host") {
				c.header(name, value)
			}
		}
	}
	own := []string{"accept"}
	if a.HasBody() {
		own = append(own, "content-type")
	}
	for _, name := range own {
		if !has[name] {
			c.add("-H", name+":")
		}
	}
	if !slices.Contains(a.TLS.ALPN, "h2") && !has["connection"] {
		c.add("-H", "Connection: close")
	}
}

// header sends one header; what is secret or cannot be shown comes from a file.
func (c *command) header(name, value string) {
	text := name + ": " + value
	if value == "" {
		text = name + ";" // so curl sends an empty one
	}
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization", "cookie":
		text = "@" + c.file("header", text+"\n")
	default:
		if !shows(text) {
			text = "@" + c.file("header", text+"\n")
		}
	}
	c.add("-H", text)
}

// where is the URL. Its host is the name that curl sends by SNI and verifies, whatever is
// dialled and whatever the request calls its authority.
func (c *command) where(a probe.Attempt) {
	scheme, usual := "http", "80"
	if a.Secure {
		scheme, usual = "https", "443"
	}
	dialled, dialledPort, _ := net.SplitHostPort(a.Address) // Plan has made sure that it is one
	host, port := a.Host, a.Port
	switch {
	case a.Secure && a.TLS.NoSNI:
		host, port = dialled, dialledPort
		c.note("curl sends no server name because the URL has an address for a host")
	case a.ServerName != "":
		host = a.ServerName
	}
	if net.JoinHostPort(host, port) != a.Address {
		c.add("--connect-to", bracketed(host)+":"+port+":"+bracketed(dialled)+":"+dialledPort)
	}
	shown := bracketed(host)
	if port != usual {
		shown += ":" + port
	}
	if shown != a.Authority {
		c.add("-H", "Host: "+a.Authority)
	}
	c.verified("curl", host, a)
	c.target(scheme+"://"+shown, a)
}

// target keeps curl from tidying the path up.
func (c *command) target(origin string, a probe.Attempt) {
	if a.RawPath || strings.Contains(a.Target, "/.") {
		c.add("--path-as-is")
	}
	if strings.ContainsAny(origin+a.Target, "[]{}") {
		c.add("-g")
	}
	if strings.Contains(a.Target, "#") {
		c.add("--request-target", a.Target)
	}
	c.add(origin + a.Target)
}

// bracketed is a host as it stands before a colon.
func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
