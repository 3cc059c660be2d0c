package suite

import (
	"crypto/rand"
	"fmt"
	"slices"

	"meshgate/framework/manifest"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
)

// Login is a user of a database.
type Login struct{ Username, Password string }

// Password makes a secret with a user's name and a password that nobody has used before,
// under the keys "username" and "password". Steps get it by Env.Login.
func Password(namespace, name, username string) Given {
	return func(e *Env) (manifest.Set, error) {
		l := Login{username, rand.Text()}
		e.secret(l.Password)
		e.mu.Lock()
		e.logins[name] = l
		e.mu.Unlock()
		return manifest.NewSet(manifest.Secret(namespace, name,
			map[string][]byte{"username": []byte(l.Username), "password": []byte(l.Password)})), nil
	}
}

// Login is the one that was made under a name, by the feature or for its suite.
func (e *Env) Login(name string) Login {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l, ok := e.logins[name]; ok || e.shared == nil {
		return l
	}
	return e.shared.Login(name)
}

// TrustedCA makes a config map with the run's CA under the key "ca.crt".
func TrustedCA(namespace, name string) Given {
	return func(e *Env) (manifest.Set, error) {
		return manifest.NewSet(manifest.ConfigMap(namespace, name, map[string]string{"ca.crt": e.CA.PEM()})), nil
	}
}

// ServerPEM makes a secret with a certificate and its key in one file, as MongoDB's
// server reads them.
func ServerPEM(namespace, name, file string, leaf pki.Leaf) Given {
	return func(e *Env) (manifest.Set, error) {
		cert, err := e.Issue(name, leaf)
		if err != nil {
			return manifest.Set{}, fmt.Errorf("secret %s: %w", name, err)
		}
		return manifest.NewSet(manifest.Secret(namespace, name, map[string][]byte{file: slices.Concat(cert.CertPEM, cert.KeyPEM)})), nil
	}
}

// Edited changes what is given.
func Edited(g Given, edits ...manifest.Edit) Given {
	return func(e *Env) (manifest.Set, error) {
		set, err := g(e)
		if err != nil {
			return set, err
		}
		return set.With(edits...)
	}
}

// At is the login as a mongodb probe takes it, for the database that knows the user.
func (l Login) At(source string) probe.MongoOptions {
	return probe.MongoOptions{Username: l.Username, Password: l.Password, AuthSource: source}
}
