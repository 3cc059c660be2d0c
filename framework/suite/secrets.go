package suite

import (
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
func Password(namespace, name, username string) Setup {
	return func(e Env) (manifest.Set, error) {
		l := e.NewLogin(name, username)
		return manifest.NewSet(manifest.Secret(namespace, name,
			map[string][]byte{"username": []byte(l.Username), "password": []byte(l.Password)})), nil
	}
}

// TrustedCA makes a config map with the run's CA under the key "ca.crt".
func TrustedCA(namespace, name string) Setup {
	return func(e Env) (manifest.Set, error) {
		return manifest.NewSet(manifest.ConfigMap(namespace, name, map[string]string{"ca.crt": e.CA().PEM()})), nil
	}
}

// ServerPEM makes a secret with a certificate and its key in one file, as MongoDB's
// server reads them.
func ServerPEM(namespace, name, file string, leaf pki.Leaf) Setup {
	return func(e Env) (manifest.Set, error) {
		cert, err := e.Issue(nil, name, leaf)
		if err != nil {
			return manifest.Set{}, fmt.Errorf("secret %s: %w", name, err)
		}
		return manifest.NewSet(manifest.Secret(namespace, name, map[string][]byte{file: slices.Concat(cert.CertPEM, cert.KeyPEM)})), nil
	}
}

// CACredential makes a secret with the CA that a gateway is to trust, under the key "ca.crt", in
// the namespace of that gateway.
func CACredential(gateway, name string, pem func(Env) string) Setup {
	return func(e Env) (manifest.Set, error) {
		return manifest.NewSet(manifest.Secret(e.Gateway(gateway).Namespace, name, map[string][]byte{"ca.crt": []byte(pem(e))})), nil
	}
}

// ClientCredential makes a secret with a client's certificate for a gateway, and the run's
// CA as what that is to trust. Steps get it by Env.Certificate.
func ClientCredential(gateway, name string, leaf pki.Leaf, by func(Env) *pki.CA) Setup {
	return func(e Env) (manifest.Set, error) {
		cert, err := e.Issue(by(e), name, leaf)
		if err != nil {
			return manifest.Set{}, err
		}
		return manifest.NewSet(manifest.Secret(e.Gateway(gateway).Namespace, name,
			map[string][]byte{"tls.crt": cert.CertPEM, "tls.key": cert.KeyPEM, "ca.crt": []byte(e.CA().PEM())})), nil
	}
}

// Served is what a server of many names does for one of them.
type Served struct {
	Leaf     pki.Leaf // the certificate that it shows
	By       *pki.CA  // who has signed it; nil: the run's CA
	ClientCA *pki.CA  // whose certificates it demands of clients; nil: it demands none
}

// Servers makes the secret of the external server, see fixtures/world: one certificate for
// whoever asks for no name, and one for each name that clients ask for by SNI.
func Servers(namespace, name string, by map[string]Served) Setup {
	return func(e Env) (manifest.Set, error) {
		nobody, err := e.Issue(nil, name, pki.Leaf{DNSNames: []string{"nobody.example.com"}})
		if err != nil {
			return manifest.Set{}, err
		}
		files := map[string][]byte{"tls.crt": nobody.CertPEM, "tls.key": nobody.KeyPEM}
		for sni, s := range by {
			cert, err := e.Issue(s.By, sni, s.Leaf)
			if err != nil {
				return manifest.Set{}, err
			}
			files[sni+".crt"], files[sni+".key"] = cert.CertPEM, cert.KeyPEM
			if s.ClientCA != nil {
				files[sni+".client-ca"] = []byte(s.ClientCA.PEM())
			}
		}
		return manifest.NewSet(manifest.Secret(namespace, name, files)), nil
	}
}

// At is the login as a mongodb probe takes it, for the database that knows the user.
func (l Login) At(source string) probe.MongoOptions {
	return probe.MongoOptions{Username: l.Username, Password: l.Password, AuthSource: source}
}
