package runner

import (
	"cmp"
	"crypto/rand"
	"fmt"

	"meshgate/framework/pki"
	"meshgate/framework/suite"
)

// Issue signs a certificate and keeps it under the name for Certificate.
func (e *environment) Issue(by *pki.CA, name string, leaf pki.Leaf) (*pki.Certificate, error) {
	cert, err := cmp.Or(by, e.ca).Issue(leaf)
	if err != nil {
		return nil, suite.Infrastructure(fmt.Errorf("certificate %s: %w", name, err))
	}
	e.host.secret(string(cert.KeyPEM))
	e.mu.Lock()
	defer e.mu.Unlock()
	e.certs[name] = cert
	return cert, nil
}

func (e *environment) Certificate(name string) *pki.Certificate {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.certs[name]; c != nil {
		return c
	}
	if e.shared != nil {
		return e.shared.Certificate(name)
	}
	return &pki.Certificate{}
}

func (e *environment) NewLogin(name, username string) suite.Login {
	l := suite.Login{Username: username, Password: rand.Text()}
	e.host.secret(l.Password)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.logins[name] = l
	return l
}

func (e *environment) Login(name string) suite.Login {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l, ok := e.logins[name]; ok || e.shared == nil {
		return l
	}
	return e.shared.Login(name)
}
