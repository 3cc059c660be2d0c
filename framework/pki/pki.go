// Package pki is the certificate authority of one run. It exists only in memory: no key and
// no certificate is written to disk.
package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"
)

// How long certificates are valid. They begin an hour ago, so that a node whose
// clock is behind takes them.
const (
	backdate     = time.Hour
	caValidity   = 30 * 24 * time.Hour
	leafValidity = 7 * 24 * time.Hour
)

// CA signs leaves. It is safe for concurrent use.
type CA struct {
	cert *x509.Certificate
	key  crypto.Signer
	pem  []byte
}

// NewCA makes an authority with a fresh ECDSA P-256 key, valid from an hour ago
// for 30 days. It signs leaves directly and no further authority.
func NewCA(name string) (*CA, error) {
	key, err := newKey(false)
	if err != nil {
		return nil, fmt.Errorf("certificate authority %q: %w", name, err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, fmt.Errorf("certificate authority %q: %w", name, err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-backdate), NotAfter: time.Now().Add(caValidity),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	cert, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("certificate authority %q: %w", name, err)
	}
	return &CA{cert: cert, key: key, pem: encode("CERTIFICATE", cert.Raw)}, nil
}

// PEM is the authority's certificate, which is what clients trust.
func (ca *CA) PEM() string { return string(ca.pem) }

// Leaf describes a certificate. The zero value of each field is the usual case: an ECDSA
// P-256 key, for servers, signed by the CA, valid from an hour ago for 7 days.
type Leaf struct {
	CommonName string   // the first name if empty
	DNSNames   []string // subject alternative names
	IPs        []net.IP
	URIs       []string // such as a workload's SPIFFE ID
	RSA        bool     // an RSA 2048 key instead
	Client     bool     // for clients instead of servers
	Expired    bool     // valid until an hour ago, from a day before that
	SelfSigned bool     // signed by its own key instead of the CA's
	// NotBefore and NotAfter override the above if they are not zero.
	NotBefore, NotAfter time.Time
}

// Certificate is an issued leaf with its key.
type Certificate struct {
	CertPEM, KeyPEM []byte // the leaf alone; the key in PKCS #8
	Serial          string // lower-case hex without leading zeros
	KeyType         string // "ECDSA-P-256" or "RSA-2048"
	X509            *x509.Certificate
}

// Issue creates a key and a certificate for it. The serial number is random, so that every
// certificate of a run is distinguishable from all others.
func (ca *CA) Issue(l Leaf) (*Certificate, error) {
	c, err := ca.issue(l)
	if err != nil {
		return nil, fmt.Errorf("certificate for %q: %w", l.name(), err)
	}
	return c, nil
}

func (ca *CA) issue(l Leaf) (*Certificate, error) {
	template, err := l.template()
	if err != nil {
		return nil, err
	}
	key, err := newKey(l.RSA)
	if err != nil {
		return nil, err
	}
	parent, signer := ca.cert, ca.key
	if l.SelfSigned {
		parent, signer = template, key
	}
	cert, err := sign(template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &Certificate{
		CertPEM: encode("CERTIFICATE", cert.Raw), KeyPEM: encode("PRIVATE KEY", keyDER),
		Serial: cert.SerialNumber.Text(16), KeyType: keyType(l.RSA), X509: cert,
	}, nil
}

func (l Leaf) template() (*x509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: l.name()},
		DNSNames: l.DNSNames, IPAddresses: l.IPs, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if l.RSA {
		t.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	if l.Client {
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	for _, text := range l.URIs {
		u, err := url.Parse(text)
		if err != nil {
			return nil, err
		}
		t.URIs = append(t.URIs, u)
	}
	t.NotBefore, t.NotAfter = l.validity(time.Now())
	return t, nil
}

func (l Leaf) validity(now time.Time) (from, until time.Time) {
	from, until = now.Add(-backdate), now.Add(leafValidity)
	if l.Expired {
		from, until = now.Add(-25*time.Hour), now.Add(-time.Hour)
	}
	if !l.NotBefore.IsZero() {
		from = l.NotBefore
	}
	if !l.NotAfter.IsZero() {
		until = l.NotAfter
	}
	return from, until
}

func (l Leaf) name() string {
	switch {
	case l.CommonName != "":
		return l.CommonName
	case len(l.DNSNames) > 0:
		return l.DNSNames[0]
	case len(l.IPs) > 0:
		return l.IPs[0].String()
	}
	return "meshgate"
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// newSerial is random and positive, of at most 127 bits.
func newSerial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return n.Add(n, big.NewInt(1)), nil
}
