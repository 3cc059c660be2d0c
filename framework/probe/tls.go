package probe

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
)

var versions = map[string]uint16{
	"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13,
}

func versionName(v uint16) string {
	for name, n := range versions {
		if n == v {
			return name
		}
	}
	return fmt.Sprintf("0x%04x", v)
}

// sni is the server name that goes into the ClientHello; crypto/tls sends none
// for an IP address.
func (p plan) sni() string {
	if p.TLS.NoSNI {
		return ""
	}
	return cmp.Or(p.TLS.ServerName, p.host)
}

func (p plan) verifyName() string { return cmp.Or(p.TLS.VerifyName, p.TLS.ServerName, p.host) }

func (p plan) alpn() []string {
	if p.TLS.ALPN == nil && p.Kind == KindHTTP {
		return []string{"h2", "http/1.1"}
	}
	return p.TLS.ALPN
}

// tlsConfig makes the client's side; the handshake writes what it sees to info.
// crypto/tls's own verification is off because it ends the handshake before the
// chain can be recorded: ours does the same check afterwards.
func (p plan) tlsConfig(info *TLSInfo) (*tls.Config, error) {
	low, high, err := p.versionRange()
	if err != nil {
		return nil, err
	}
	roots, err := p.roots()
	if err != nil {
		return nil, err
	}
	client, err := p.clientCertificate()
	if err != nil {
		return nil, err
	}
	info.ServerName = p.sni()
	cfg := &tls.Config{
		ServerName: p.sni(), NextProtos: p.alpn(), MinVersion: low, MaxVersion: high,
		InsecureSkipVerify: true, // see above
		VerifyConnection:   p.verifier(info, roots),
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			info.ClientCertRequested = true
			return client, nil
		},
	}
	if low < tls.VersionTLS12 {
		cfg.CipherSuites = everySuite()
	}
	return cfg, nil
}

// versionRange refuses here what crypto/tls would refuse later with less to say.
func (p plan) versionRange() (low, high uint16, err error) {
	high, ok := versions[cmp.Or(p.TLS.Max, "1.3")]
	low, okMin := versions[cmp.Or(p.TLS.Min, "1.2")]
	if !ok || !okMin {
		return 0, 0, fmt.Errorf("tls min %q, max %q: want one of %q", p.TLS.Min, p.TLS.Max, slices.Sorted(maps.Keys(versions)))
	}
	if p.TLS.Min == "" {
		low = min(low, high)
	}
	if low > high {
		return 0, 0, fmt.Errorf("tls min %q is above max %q", p.TLS.Min, p.TLS.Max)
	}
	return low, high, nil
}

// everySuite offers also what Go leaves out by default, so that a refusal of an
// old version is the server's and not for want of a cipher that it would take.
func everySuite() []uint16 {
	var ids []uint16
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		ids = append(ids, s.ID)
	}
	return ids
}

// roots is nil for the system's.
func (p plan) roots() (*x509.CertPool, error) {
	if p.TLS.RootsPEM == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(p.TLS.RootsPEM)) {
		return nil, errors.New("tls rootsPem: no certificate in it")
	}
	return pool, nil
}

// clientCertificate is sent whichever CAs the server says it accepts: a wrong
// certificate must arrive to be refused.
func (p plan) clientCertificate() (*tls.Certificate, error) {
	if p.TLS.CertPEM == "" && p.TLS.KeyPEM == "" {
		return &tls.Certificate{}, nil
	}
	pair, err := tls.X509KeyPair([]byte(p.TLS.CertPEM), []byte(p.TLS.KeyPEM))
	if err != nil {
		return nil, fmt.Errorf("tls certPem and keyPem: %w", err)
	}
	return &pair, nil
}

// untrustedError says that we ended the handshake, not the server.
type untrustedError struct{ err error }

func (e *untrustedError) Error() string { return e.err.Error() }
func (e *untrustedError) Unwrap() error { return e.err }

func (p plan) verifier(info *TLSInfo, roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(cs tls.ConnectionState) error {
		info.Version, info.ALPN = versionName(cs.Version), cs.NegotiatedProtocol
		info.CipherSuite = tls.CipherSuiteName(cs.CipherSuite)
		for _, c := range cs.PeerCertificates {
			info.Peer = append(info.Peer, describe(c))
		}
		err := verify(cs.PeerCertificates, roots, p.verifyName())
		if err == nil {
			return nil
		}
		info.VerifyError, info.VerifyCause = err.Error(), verifyCause(err)
		if p.TLS.SkipVerify {
			return nil
		}
		return &untrustedError{err}
	}
}

// verify checks the chain first and the name second, as x509 would, but keeps
// both errors: a wrong CA must not hide a wrong name.
func verify(chain []*x509.Certificate, roots *x509.CertPool, name string) error {
	if len(chain) == 0 {
		return errors.New("x509: the server sent no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return errors.Join(err, chain[0].VerifyHostname(name))
}

func verifyCause(err error) string {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return VerifyExpired
	case errors.As(err, &unknown):
		return VerifyUnknownAuthority
	case errors.As(err, &invalid):
		return VerifyOther
	case errors.As(err, &name):
		return VerifyName
	}
	return VerifyOther
}

func describe(c *x509.Certificate) CertInfo {
	sum := sha256.Sum256(c.Raw)
	info := CertInfo{
		Subject: c.Subject.String(), Issuer: c.Issuer.String(), DNSNames: c.DNSNames,
		Serial: c.SerialNumber.Text(16), KeyType: keyType(c.PublicKey),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), IsCA: c.IsCA, SHA256: hex.EncodeToString(sum[:]),
	}
	for _, ip := range c.IPAddresses {
		info.IPs = append(info.IPs, ip.String())
	}
	for _, uri := range c.URIs {
		info.URIs = append(info.URIs, uri.String())
	}
	return info
}

func keyType(key any) string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA-%d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA-" + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return fmt.Sprintf("%T", key)
}
