package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
)

const rsaBits = 2048

// newKey makes ECDSA P-256, what Istio's own CA makes, or RSA 2048, what older
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
