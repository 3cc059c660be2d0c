package expect

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAServersLogIsReadOfOneClient(t *testing.T) {
	log := []byte(`level=WARN msg="http: TLS handshake error from 10.0.0.1:595: tls: client didn't provide a certificate"
level=WARN msg="http: TLS handshake error from 10.0.0.1:59: tls: failed to verify certificate: x509: certificate signed by unknown authority"
`)
	assert.NoError(t, HandshakeRefused(log, "10.0.0.1:595", "didn't provide"))
	assert.ErrorContains(t, HandshakeRefused(log, "10.0.0.1:59", "didn't provide"), "signed by unknown authority")
	assert.ErrorContains(t, HandshakeRefused(log, "10.0.0.1:5", "didn't provide"), "no word of 10.0.0.1:5")
	assert.ErrorIs(t, HandshakeRefused(log, "-", "didn't provide"), errNoChecks)
	assert.ErrorIs(t, HandshakeRefused(log, "10.0.0.1:59", ""), errNoChecks)
}
