package pki

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newCA(t *testing.T) *CA {
	t.Helper()
	ca, err := NewCA("test authority")
	require.NoError(t, err)
	return ca
}

func issue(t *testing.T, ca *CA, l Leaf) *Certificate {
	t.Helper()
	c, err := ca.Issue(l)
	require.NoError(t, err)
	return c
}

func pool(t *testing.T, ca *CA) *x509.CertPool {
	t.Helper()
	p := x509.NewCertPool()
	require.True(t, p.AppendCertsFromPEM([]byte(ca.PEM())))
	return p
}

// handshake lets a server with c meet a client over the loopback interface.
func handshake(t *testing.T, server *Certificate, client *tls.Config, clients *x509.CertPool) error {
	t.Helper()
	pair, err := tls.X509KeyPair(server.CertPEM, server.KeyPEM)
	require.NoError(t, err)
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}}
	if clients != nil {
		cfg.ClientCAs, cfg.ClientAuth = clients, tls.RequireAndVerifyClientCert
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	require.NoError(t, err)
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			err = conn.(*tls.Conn).Handshake()
			conn.Close()
		}
		served <- err
	}()
	conn, err := tls.Dial("tcp", l.Addr().String(), client)
	if err != nil {
		return err
	}
	defer conn.Close()
	return <-served
}

func TestLeafIsValidForItsNames(t *testing.T) {
	ca := newCA(t)
	for _, rsaKey := range []bool{false, true} {
		c := issue(t, ca, Leaf{DNSNames: []string{"api.test"}, IPs: []net.IP{net.IPv4(10, 0, 0, 1)}, RSA: rsaKey})
		trusted := pool(t, ca)
		require.NoError(t, handshake(t, c, &tls.Config{RootCAs: trusted, ServerName: "api.test"}, nil))
		require.NoError(t, handshake(t, c, &tls.Config{RootCAs: trusted, ServerName: "10.0.0.1"}, nil))
		var name x509.HostnameError
		require.ErrorAs(t, handshake(t, c, &tls.Config{RootCAs: trusted, ServerName: "other.test"}, nil), &name)
		var unknown x509.UnknownAuthorityError
		require.ErrorAs(t, handshake(t, c, &tls.Config{RootCAs: pool(t, newCA(t)), ServerName: "api.test"}, nil), &unknown)
	}
}

func TestKeyTypes(t *testing.T) {
	ca := newCA(t)
	c := issue(t, ca, Leaf{})
	assert.IsType(t, &ecdsa.PublicKey{}, c.X509.PublicKey)
	assert.Equal(t, "ECDSA-P-256", c.KeyType)
	c = issue(t, ca, Leaf{RSA: true})
	require.IsType(t, &rsa.PublicKey{}, c.X509.PublicKey)
	assert.Equal(t, 2048, c.X509.PublicKey.(*rsa.PublicKey).N.BitLen())
	assert.Equal(t, "RSA-2048", c.KeyType)
}

func TestSerialsAreUnique(t *testing.T) {
	ca, seen := newCA(t), map[string]bool{}
	for range 20 {
		c := issue(t, ca, Leaf{DNSNames: []string{"api.test"}})
		assert.Equal(t, c.X509.SerialNumber.Text(16), c.Serial)
		assert.False(t, seen[c.Serial])
		seen[c.Serial] = true
	}
}

func TestInvalidCertificatesHaveExactlyOneFault(t *testing.T) {
	ca := newCA(t)
	client := &tls.Config{RootCAs: pool(t, ca), ServerName: "api.test"}
	names := []string{"api.test"}
	var invalid x509.CertificateInvalidError
	require.ErrorAs(t, handshake(t, issue(t, ca, Leaf{DNSNames: names, Expired: true}), client, nil), &invalid)
	assert.Equal(t, x509.Expired, invalid.Reason)
	require.ErrorAs(t, handshake(t, issue(t, ca, Leaf{DNSNames: names, Client: true}), client, nil), &invalid)
	assert.Equal(t, x509.IncompatibleUsage, invalid.Reason)
	var unknown x509.UnknownAuthorityError
	self := issue(t, ca, Leaf{DNSNames: names, SelfSigned: true})
	require.ErrorAs(t, handshake(t, self, client, nil), &unknown)
	assert.Equal(t, self.X509.Subject.String(), self.X509.Issuer.String())
	future := Leaf{DNSNames: names, NotBefore: time.Now().Add(time.Hour), NotAfter: time.Now().Add(2 * time.Hour)}
	require.ErrorAs(t, handshake(t, issue(t, ca, future), client, nil), &invalid)
	assert.Equal(t, x509.Expired, invalid.Reason)
}

func TestClientCertificates(t *testing.T) {
	ca := newCA(t)
	server := issue(t, ca, Leaf{DNSNames: []string{"api.test"}})
	present := func(c *Certificate) *tls.Config {
		pair, err := tls.X509KeyPair(c.CertPEM, c.KeyPEM)
		require.NoError(t, err)
		return &tls.Config{RootCAs: pool(t, ca), ServerName: "api.test", Certificates: []tls.Certificate{pair}, MaxVersion: tls.VersionTLS12}
	}
	good := issue(t, ca, Leaf{CommonName: "client", Client: true, URIs: []string{"spiffe://cluster.local/ns/a/sa/b"}})
	require.NoError(t, handshake(t, server, present(good), pool(t, ca)))
	assert.Equal(t, "spiffe://cluster.local/ns/a/sa/b", good.X509.URIs[0].String())
	wrong := issue(t, newCA(t), Leaf{CommonName: "client", Client: true})
	require.Error(t, handshake(t, server, present(wrong), pool(t, ca)))
}

func TestValidityIsAsDocumented(t *testing.T) {
	ca := newCA(t)
	now := time.Now()
	c := issue(t, ca, Leaf{DNSNames: []string{"api.test"}}).X509
	assert.WithinDuration(t, now.Add(-time.Hour), c.NotBefore, 5*time.Second)
	assert.WithinDuration(t, now.Add(7*24*time.Hour), c.NotAfter, 5*time.Second)
	assert.WithinDuration(t, now.Add(30*24*time.Hour), ca.cert.NotAfter, 5*time.Second)
	assert.True(t, ca.cert.IsCA)
	assert.False(t, c.IsCA)
}

func TestErrorsNameTheCertificate(t *testing.T) {
	_, err := newCA(t).Issue(Leaf{DNSNames: []string{"api.test"}, URIs: []string{"://"}})
	assert.ErrorContains(t, err, `certificate for "api.test": parse "://"`)
	for want, l := range map[string]Leaf{
		"cn": {CommonName: "cn", DNSNames: []string{"dns"}}, "dns": {DNSNames: []string{"dns"}},
		"10.0.0.1": {IPs: []net.IP{net.IPv4(10, 0, 0, 1)}}, "meshgate": {},
	} {
		assert.Equal(t, want, l.name())
	}
}
