package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
)

const rsaBits = 2048

// newKey generates an ECDSA P-256 key, as Istio's own CA does, or an RSA 2048 key, as older
// clients and public authorities still use.
func newKey(asRSA bool) (crypto.Signer, error) {
	if asRSA {
		return rsa.GenerateKey(rand.Reader, rsaBits)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

func keyType(asRSA bool) string {
	if asRSA {
		return "RSA-2048"
	}
	return "ECDSA-P-256"
}
