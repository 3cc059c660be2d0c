package probe

import "slices"

// Attempt is what a Request comes to: its defaults filled in and its URL taken apart.
type Attempt struct {
	Request           // with the request ID, and the headers that go with it
	Secure     bool   // TLS before anything else
	Host, Port string // of the URL, the port also where it is the scheme's
	Authority  string // Host header, :authority
	Target     string // request target, byte for byte
	Address    string // the host:port that is dialled
	ServerName string // SNI; empty: none is sent
	VerifyName string // the name that the certificate must have
	// Database and Collection are the URL's path, for kind mongodb.
	Database, Collection string
}

// Plan says what would be attempted, without doing so. The error is the one that the
// attempt would end in before anything is sent.
func Plan(r Request) (Attempt, error) {
	p, err := newPlan(r)
	if err == nil {
		_, _, err = p.versionRange()
	}
	if err != nil {
		return Attempt{}, err
	}
	a := Attempt{Request: p.Request, Secure: p.secure, Host: p.host, Port: p.port, Authority: p.authority, Target: p.target, Address: p.dial}
	if p.secure {
		a.ServerName, a.VerifyName, a.TLS.ALPN = p.sni(), p.verifyName(), slices.Clone(p.alpn())
	}
	if p.Kind == KindMongoDB {
		a.Database, a.Collection, a.Mongo.AuthSource = p.database(), p.collection(), p.authSource()
	}
	return a, nil
}

// HasBody says whether the request has a body, which may be an empty one.
func (a Attempt) HasBody() bool { return plan{Request: a.Request}.needsLength() || a.Body != "" }
