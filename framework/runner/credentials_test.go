package runner

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"meshgate/fixtures"
	"meshgate/framework/manifest"
	"meshgate/framework/pki"
	"meshgate/framework/suite"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// remembering is a host that keeps what it is told for the redactor.
type remembering struct {
	nobody
	secrets []string
}

func (r *remembering) secret(value string) { r.secrets = append(r.secrets, value) }

// pair is the environment of a suite and that of one of its features.
func pair(t *testing.T) (shared, feature *environment, secrets *[]string) {
	t.Helper()
	ca, err := pki.NewCA("test")
	require.NoError(t, err)
	host := &remembering{}
	env := func(of *environment) *environment {
		return &environment{ca: ca, host: host, shared: of, certs: map[string]*pki.Certificate{}, logins: map[string]suite.Login{}}
	}
	shared = env(nil)
	return shared, env(shared), &host.secrets
}

func TestAPasswordIsNewForEachRunAndKnownToTheRedactor(t *testing.T) {
	shared, feature, secrets := pair(t)
	set, err := suite.Password("bookinfo", "db", "reader")(shared)
	require.NoError(t, err)
	l := feature.Login("db")
	assert.Equal(t, "reader", l.Username)
	assert.Len(t, l.Password, 26)
	assert.Equal(t, []string{l.Password}, *secrets)
	assert.True(t, set.Has("Secret"))
	_, err = suite.Password("bookinfo", "db", "reader")(feature)
	require.NoError(t, err)
	assert.NotEqual(t, l, feature.Login("db"), "a feature's own comes first")
	assert.Equal(t, l, shared.Login("db"))
	assert.Zero(t, feature.Login("none"))
	assert.Equal(t, "admin", l.At("admin").AuthSource)
}

func TestAFeatureKnowsTheCertificatesOfItsSuite(t *testing.T) {
	shared, feature, secrets := pair(t)
	set, err := suite.ServerPEM("database", "server", "mongodb.pem", pki.Leaf{DNSNames: []string{"db.test"}})(shared)
	require.NoError(t, err)
	assert.True(t, set.Has("Secret"))
	require.Len(t, *secrets, 1)
	assert.Contains(t, (*secrets)[0], "PRIVATE KEY")
	assert.Equal(t, []string{"db.test"}, feature.Certificate("server").X509.DNSNames)
	assert.Nil(t, feature.Certificate("none").X509)
}

// The keys are the names of the files that "agent serve --tls-names" reads.
func TestAServerOfManyNamesHasFilesForEach(t *testing.T) {
	shared, _, secrets := pair(t)
	other, err := pki.NewCA("other")
	require.NoError(t, err)
	set, err := suite.Servers("world", "world", map[string]suite.Served{
		"a.test": {Leaf: pki.Leaf{DNSNames: []string{"a.test"}}, By: other},
		"b.test": {Leaf: pki.Leaf{DNSNames: []string{"a.test"}, Expired: true}, ClientCA: other},
	})(shared)
	require.NoError(t, err)
	o, err := set.Object("Secret", "world")
	require.NoError(t, err)
	files, _, err := unstructured.NestedMap(o.Object, "data")
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"tls.crt", "tls.key", "a.test.crt", "a.test.key", "b.test.crt", "b.test.key", "b.test.client-ca"}, slices.Collect(maps.Keys(files)))
	assert.Len(t, *secrets, 3, "every key is known to the redactor")
	assert.Equal(t, "other", shared.Certificate("a.test").X509.Issuer.CommonName)
	assert.Equal(t, "test", shared.Certificate("b.test").X509.Issuer.CommonName)
}

func TestWhatIsToBeDoneFinallyIsDoneOnceLastFirst(t *testing.T) {
	e, did := &environment{}, ""
	e.Finally(func(context.Context) error { did += "a"; return errors.New("a failed") })
	e.Finally(func(context.Context) error { did += "b"; return nil })
	assert.EqualError(t, e.finish(t.Context()), "a failed")
	assert.NoError(t, e.finish(t.Context()))
	assert.Equal(t, "ba", did)
}

func TestAStatisticIsFoundByItsClustersWholeName(t *testing.T) {
	const text = "cluster.outbound|80|gold|a.test.upstream_rq_pending_active: 3\ncluster.outbound|80|silver|a.test;.upstream_rq_pending_active: 4\n"
	for cluster, want := range map[string]int{"outbound|80|gold|a.test": 3, "outbound|80|silver|a.test": 4} {
		n, err := statIn(text, cluster, "upstream_rq_pending_active")
		require.NoError(t, err)
		assert.Equal(t, want, n)
	}
	_, err := statIn(text, "outbound|80|gold|a", "upstream_rq_pending_active")
	assert.ErrorContains(t, err, "proxyStatsMatcher", "what is not there is not zero")
	_, err = statIn("cluster.a.b: many", "a", "b")
	assert.Error(t, err)
}

func TestAnExternalAddressIsAnIPAddressOrANameToResolve(t *testing.T) {
	load := func(host string) string {
		set, err := suite.Edited(suite.Fixtures("mongo-egress/route/service-entry.yaml"), suite.ExternalAddress("mongodb", host)...)(nil)
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
	_, err = set.With(suite.ExternalAddress("other", "198.51.100.7")...)
	assert.Error(t, err)
}
