package commandline

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strings"

	"meshgate/framework/probe"
	"meshgate/framework/shell"
)

// mongosh is the command for a MongoDB. It dials the name that it verifies, so where TLS
// is spoken that name must lead to what the probe dials.
func (c *command) mongosh(a probe.Attempt) {
	host, port, _ := net.SplitHostPort(a.Address) // Plan has made sure that it is one
	if a.Secure {
		host = c.named(a, host)
	}
	u := url.URL{Scheme: "mongodb", Host: net.JoinHostPort(host, port), Path: "/" + a.Database, RawQuery: fmt.Sprintf(
		"directConnection=true&retryReads=false&retryWrites=false&serverSelectionTimeoutMS=%d", a.Timeout.Milliseconds())}
	c.add("mongosh", u.String(), "--quiet")
	if a.Secure {
		c.mongoTLS(a)
	}
	c.add("--eval", question(a))
	if a.Mongo.Username != "" {
		c.add("--authenticationDatabase", a.Mongo.AuthSource, "--username", a.Mongo.Username)
		c.suffix = ` --password "$(cat ` + shell.Quote(c.file("password", a.Mongo.Password)) + `)"`
	}
}

// named is the host of the URL when TLS is spoken.
func (c *command) named(a probe.Attempt, dialled string) string {
	host := a.Host
	if a.ServerName != "" {
		host = a.ServerName
	}
	if host != dialled {
		c.note("mongosh dials the name that it verifies: first have it resolve, by a line %q in /etc/hosts", dialled+" "+host)
	}
	if a.TLS.NoSNI {
		c.note("mongosh sends the server name, the probe none")
	}
	c.verified("mongosh", host, a)
	return host
}

func (c *command) mongoTLS(a probe.Attempt) {
	c.add("--tls")
	o := a.TLS
	if o.RootsPEM != "" {
		c.add("--tlsCAFile", c.file("ca.pem", o.RootsPEM))
	}
	if o.SkipVerify {
		c.add("--tlsAllowInvalidCertificates", "--tlsAllowInvalidHostnames")
	}
	if o.CertPEM != "" {
		c.add("--tlsCertificateKeyFile", c.file("client-both.pem", strings.TrimRight(o.CertPEM, "\n")+"\n"+o.KeyPEM))
	}
	if o.Min != "" || o.Max != "" {
		c.note("mongosh chooses the version of TLS itself, the probe from %s to %s", lowest(o), highest(o))
	}
}

// question is what the probe asks: all documents of the collection by their IDs, or only
// what server it is.
func question(a probe.Attempt) string {
	if a.Collection == "" {
		return "db.runCommand({buildInfo: 1})"
	}
	name, _ := json.Marshal(a.Collection) // a string always has a form in JSON
	return fmt.Sprintf("db.getCollection(%s).find({}, {_id: 0}).sort({_id: 1}).toArray()", name)
}
