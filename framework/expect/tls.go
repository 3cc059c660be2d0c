package expect

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"meshgate/framework/pki"
	"meshgate/framework/probe"
)

// TLSVersionIs wants the version that was agreed on, "1.2" or "1.3".
func TLSVersionIs(want string) Check {
	return tlsField(FieldTLSVersion, want, func(t *probe.TLSInfo) string { return t.Version })
}

// ALPNIs wants the protocol that the server chose, "h2" or "http/1.1".
func ALPNIs(want string) Check {
	return tlsField(FieldALPN, want, func(t *probe.TLSInfo) string { return t.ALPN })
}

// Verified wants the client to have found the chain and the name good, against
// the authorities that the request trusted.
func Verified() Check {
	return CheckOf([]Field{FieldCertificateVerification}, func(o probe.Observation) error { return verdict(o, verified(o)) })
}

func verified(o probe.Observation) error {
	ok := o.TLS != nil && len(o.TLS.Peer) > 0 && o.TLS.VerifyError == ""
	got := "no TLS"
	if o.TLS != nil {
		got = handshake(o, o.TLS.VerifyError)
	}
	return unless(ok, FieldCertificateVerification, "good", got)
}

// PeerIs wants the server to present exactly the certificate that the run issued
// (serial, names, key type and every other byte), and the client to have found it
// good against the authorities that its request trusted.
func PeerIs(want *pki.Certificate) Check {
	return CheckOf([]Field{FieldCertificateSerial, FieldCertificateNames, FieldCertificateKeyType, FieldCertificateSHA256, FieldCertificateVerification}, func(o probe.Observation) error {
		if want == nil || want.X509 == nil {
			return verdict(o, &Mismatch{Field: FieldCertificateSerial, Want: "one that was issued", Got: "none was issued under that name"})
		}
		got := leaf(o.TLS)
		sum := sha256.Sum256(want.X509.Raw)
		return verdict(o,
			differ(FieldCertificateSerial, want.Serial, handshake(o, got.Serial)),
			differ(FieldCertificateNames, strings.Join(want.X509.DNSNames, ", "), handshake(o, strings.Join(got.DNSNames, ", "))),
			differ(FieldCertificateKeyType, want.KeyType, handshake(o, got.KeyType)),
			differ(FieldCertificateSHA256, hex.EncodeToString(sum[:]), handshake(o, got.SHA256)),
			verified(o))
	})
}

func tlsField(field Field, want string, look func(*probe.TLSInfo) string) Check {
	return CheckOf([]Field{field}, func(o probe.Observation) error {
		got := ""
		if o.TLS != nil {
			got = look(o.TLS)
		}
		return verdict(o, differ(field, want, handshake(o, got)))
	})
}

// leaf is the certificate presented, or an empty one.
func leaf(t *probe.TLSInfo) probe.CertInfo {
	if t == nil || len(t.Peer) == 0 {
		return probe.CertInfo{}
	}
	return t.Peer[0]
}

// handshake says why there is nothing to compare with.
func handshake(o probe.Observation, got string) string {
	switch {
	case got != "":
		return got
	case o.Failure != nil:
		return outcome(o)
	case o.TLS == nil:
		return "no TLS"
	}
	return ""
}
