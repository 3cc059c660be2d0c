package suite

import (
	"testing"

	"meshgate/fixtures"
	"meshgate/framework/manifest"
	"meshgate/framework/pki"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pair is the environment of a suite and that of one of its features.
func pair(t *testing.T) (shared, feature *Env, secrets *[]string) {
	t.Helper()
	ca, err := pki.NewCA("test")
	require.NoError(t, err)
	secrets = &[]string{}
	env := func(of *Env) *Env {
		return &Env{CA: ca, secret: func(s string) { *secrets = append(*secrets, s) }, shared: of,
			certs: map[string]*pki.Certificate{}, logins: map[string]Login{}}
	}
	shared = env(nil)
	return shared, env(shared), secrets
}

func TestAPasswordIsNewForEachRunAndKnownToTheRedactor(t *testing.T) {
	shared, feature, secrets := pair(t)
	set, err := Password("bookinfo", "db", "reader")(shared)
	require.NoError(t, err)
	l := feature.Login("db")
	assert.Equal(t, "reader", l.Username)
	assert.Len(t, l.Password, 26)
	assert.Equal(t, []string{l.Password}, *secrets)
	assert.True(t, set.Has("Secret"))
	_, err = Password("bookinfo", "db", "reader")(feature)
	require.NoError(t, err)
	assert.NotEqual(t, l, feature.Login("db"), "a feature's own comes first")
	assert.Equal(t, l, shared.Login("db"))
	assert.Zero(t, feature.Login("none"))
	assert.Equal(t, "admin", l.At("admin").AuthSource)
}

func TestAFeatureKnowsTheCertificatesOfItsSuite(t *testing.T) {
	shared, feature, secrets := pair(t)
	set, err := ServerPEM("database", "server", "mongodb.pem", pki.Leaf{DNSNames: []string{"db.test"}})(shared)
	require.NoError(t, err)
	assert.True(t, set.Has("Secret"))
	require.Len(t, *secrets, 1)
	assert.Contains(t, (*secrets)[0], "PRIVATE KEY")
	assert.Equal(t, []string{"db.test"}, feature.Certificate("server").X509.DNSNames)
	assert.Nil(t, feature.Certificate("none").X509)
}

func TestAnExternalAddressIsAnIPAddressOrANameToResolve(t *testing.T) {
	load := func(host string) string {
		set, err := Edited(Apply("mongo-egress/route/service-entry.yaml"), ExternalAddress("mongodb", host)...)(nil)
		require.NoError(t, err)
		return string(set.YAML())
	}
	byAddress, byName := load("198.51.100.7"), load("lb.example.org")
	assert.Contains(t, byAddress, "addresses:\n  - 198.51.100.7")
	assert.Contains(t, byAddress, "resolution: STATIC")
	assert.Contains(t, byName, "- address: lb.example.org")
	assert.Contains(t, byName, "resolution: DNS")
	assert.NotContains(t, byName, "addresses:")
	for _, text := range []string{byAddress, byName} {
		assert.NotContains(t, text, "192.0.2.27", "what stands in the fixture is nobody's")
	}
	set, err := manifest.Load(fixtures.FS, "mongo-egress/route/service-entry.yaml")
	require.NoError(t, err)
	_, err = set.With(ExternalAddress("other", "198.51.100.7")...)
	assert.Error(t, err)
}
