package evidence_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"meshgate/framework/evidence"
)

// newKey is a fresh private key in PEM.
func newKey(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// newToken has the form of a JSON web token; its parts mean nothing.
func newToken() string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"RS256"}`) + "." + part(`{"sub":"`+rand.Text()+`"}`) + "." + rand.Text()
}

func TestRedactorRemovesASecretInEveryEncoding(t *testing.T) {
	for _, secret := range []string{"hunter2hunter2", `quo"te\back<slash>`, "pass word/with?url&chars", "sechs6", "zwölf Bytes ü", newKey(t), newToken()} {
		var r evidence.Redactor
		r.Secret(secret)
		j, err := json.Marshal(map[string]string{"x": secret})
		require.NoError(t, err)
		y, err := yaml.Marshal(map[string]any{"a": map[string]any{"b": secret}})
		require.NoError(t, err)
		texts := map[string]string{
			"plain": "before " + secret + " after", "json": string(j), "yaml": string(y),
			"query": "https://h/?p=" + url.QueryEscape(secret), "hex": hex.EncodeToString([]byte(secret)),
		}
		for before := range 4 {
			for after := range 4 {
				around := strings.Repeat("x", before) + secret + strings.Repeat("y", after)
				for name, enc := range map[string]*base64.Encoding{"std": base64.StdEncoding, "url": base64.URLEncoding, "raw": base64.RawURLEncoding} {
					texts[fmt.Sprintf("base64 %s %d %d", name, before, after)] = enc.EncodeToString([]byte(around))
				}
			}
		}
		for name, text := range texts {
			assertGone(t, secret, r.String(text), name)
			assertGone(t, secret, string(r.JSON([]byte(text))), name+" as a document")
		}
	}
}

// assertGone searches for a secret, and for every piece of 12 bytes of it, in a text and in
// everything that the text decodes to from base64.
func assertGone(t testing.TB, secret, text, where string) {
	t.Helper()
	haystacks := append([]string{text}, decodings(text)...)
	size := min(12, len(secret))
	for i := 0; i+size <= len(secret); i += 4 {
		piece := secret[i : i+size]
		if strings.Contains(piece, "---") || strings.Contains("-----BEGIN PRIVATE KEY-----END PRIVATE KEY-----", strings.TrimSpace(piece)) {
			continue // the frame of a PEM block is no secret
		}
		for _, h := range haystacks {
			if strings.Contains(h, piece) {
				t.Errorf("%s: %q of the secret is still there: %.300q", where, piece, h)
				return
			}
		}
	}
}

// decodings are the texts that runs of base64 in s decode to.
func decodings(s string) []string {
	var out []string
	for _, run := range strings.FieldsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_", r)
	}) {
		run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
		for skip := range min(4, len(run)) {
			part := run[skip:]
			if decoded, err := base64.RawStdEncoding.DecodeString(part[:len(part)/4*4]); err == nil {
				out = append(out, string(decoded))
			}
		}
	}
	return out
}

func TestAssertGoneFindsASecret(t *testing.T) {
	for _, text := range []string{"x hunter2hunter2 y", "k: " + base64.StdEncoding.EncodeToString([]byte("abhunter2hunter2"))} {
		probe := &testing.T{}
		assertGone(probe, "hunter2hunter2", text, "self-test")
		assert.True(t, probe.Failed(), text)
	}
}

func TestRedactorIgnoresShortValues(t *testing.T) {
	var r evidence.Redactor
	r.Secret("", "a", "12345")
	assert.Equal(t, "a 12345 b", r.String("a 12345 b"))
}

func TestRedactorRemovesSecretsByForm(t *testing.T) {
	key, token := newKey(t), newToken()
	half := key[:len(key)/2]
	for name, c := range map[string]struct{ in, secret string }{
		"PEM key":                  {"log: " + key + " end.", key},
		"PEM key, each line dated": {strings.ReplaceAll("x\n"+key, "\n", "\n2026-11-21T12:45:12.6Z "), key},
		"PEM key in JSON":          {fmt.Sprintf("%q", key), key},
		"PEM key cut off":          {"log: " + half, half},
		"PEM key, begin lost":      {key[len(key)/2:], key[len(key)/2:]},
		"PEM key in base64":        {"tls.key: " + base64.StdEncoding.EncodeToString([]byte(key)), key},
		"PEM key base64 off 1":     {"x " + base64.StdEncoding.EncodeToString([]byte("a"+key)), key},
		"PEM key base64 off 2":     {"x " + base64.StdEncoding.EncodeToString([]byte("ab"+key)), key},
		"token":                    {"using " + token + " now", token},
		"token in base64":          {"token: " + base64.StdEncoding.EncodeToString([]byte(token)), token},
		"bearer":                   {"Authorization: Bearer s3cr3tvalue\nnext: line", "s3cr3tvalue"},
		"cookie":                   {"> cookie: session=s3cr3tvalue; b=s3cr3tvalue", "s3cr3tvalue"},
		"set-cookie in JSON":       {`{"set-cookie":"session=s3cr3tvalue; Path=/"}`, "s3cr3tvalue"},
		"Envoy's debug log":        {`'authorization', 'Basic s3cr3tvalue'`, "s3cr3tvalue"},
		"Envoy's headers":          {`{"key":"cookie","value":"s3cr3tvalue"} \x`, "s3cr3tvalue"},
		"Go's map":                 {`map[Authorization:[Basic s3cr3tvalue] Host:[a]]`, "s3cr3tvalue"},
		"escaped JSON":             {`{\"authorization\":\"Basic s3cr3tvalue\"}`, "s3cr3tvalue"},
		"address":                  {"mongodb://bookinfo:s3cr3tvalue@mongo:27018/test?tls=true", "s3cr3tvalue"},
		"flag":                     {"ferretdb --setup-password=s3cr3tvalue --listen :27017", "s3cr3tvalue"},
		"flag apart":               {"ferretdb --setup-password s3cr3tvalue --listen :27017", "s3cr3tvalue"},
		"variable":                 {"MONGO_PASSWORD=s3cr3tvalue other=1", "s3cr3tvalue"},
		"setting":                  {`"client_secret": "s3cr3tvalue"`, "s3cr3tvalue"},
	} {
		var r evidence.Redactor
		assertGone(t, c.secret, r.String(c.in), name)
		assert.Contains(t, r.String(c.in), "[redacted]", name)
	}
}

// Evidence from which useful text is removed would be of no use.
func TestRedactorKeepsTextWithoutSecrets(t *testing.T) {
	var r evidence.Redactor
	for _, s := range []string{
		"tls:\n  mode: SIMPLE\n  credentialName: api-cert",
		`{"secretName":"api-cert","tokenAudience":"istio-ca","automountServiceAccountToken":false}`,
		`[2026-11-21T11:21:23.261Z] "GET /productpage HTTP/2" 200 - via_upstream - "-" 0 478 2 1 "10.244.0.1" "curl/7.88.1" "28776b4a-89f7-4d49-8b1f-7a5ab105cfa5" "api.example.com"`,
		"cluster.outbound|27018||mongo.upstream_cx_total: 12",
		"http://user@host:80/path and https://a:443/b@c",
		"info	pkica	CASecret istio-ca-secret not found, will create one",
		"error: private key file /etc/certs/key.pem: no such file",
		"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
	} {
		assert.Equal(t, s, r.String(s))
	}
	assert.JSONEq(t, `{"consistentHash":{"httpCookie":{"name":"user","ttl":"0s"}},"cookie":{"name":"user"}}`,
		string(r.JSON([]byte(`{"consistentHash":{"httpCookie":{"name":"user","ttl":"0s"}},"cookie":{"name":"user"}}`))))
}

func TestRedactorRemovesSecretsByField(t *testing.T) {
	in := `{
	 "config": {"private_key": {"inline_string": "PLANTED"}, "certificate_chain": {"inline_string": "kept-cert"}},
	 "file": {"private_key": {"filename": "/etc/key.pem"}},
	 "request_headers_to_add": [{"header": {"key": "Authorization", "value": "PLANTED"}}, {"header": {"key": "x-plan", "value": "gold"}}],
	 "env": [{"name": "DB_PASSWORD", "value": "PLANTED"}, {"name": "DB_HOST", "value": "mongo"}],
	 "args": ["--setup-password", "PLANTED", "--listen", ":27017"],
	 "header": {"Set-Cookie": ["a=PLANTED", "b=PLANTED"], "Location": ["https://a"]},
	 "password": "", "n": 12345678901234567890,
	 "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "PLANTED"}}
	}`
	var r evidence.Redactor
	out := string(r.JSON([]byte(in)))
	assert.NotContains(t, out, "PLANTED")
	for _, kept := range []string{"kept-cert", "/etc/key.pem", "gold", "mongo", ":27017", "https://a", "12345678901234567890", `"password": ""`} {
		assert.Contains(t, out, kept)
	}
}

func TestRedactorKeepsTheKeysOfSecretObjects(t *testing.T) {
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "api-cert"},
		"data":       map[string]any{"tls.key": base64.StdEncoding.EncodeToString([]byte("PLANTED-KEY"))},
		"stringData": map[string]any{"user": "PLANTED-USER"},
	}}
	var r evidence.Redactor
	out, err := yaml.Marshal(r.Object(o).Object)
	require.NoError(t, err)
	assert.NotContains(t, string(out), "PLANTED")
	assert.Contains(t, string(out), "tls.key: ")
	assert.Regexp(t, `redacted, 11 bytes, sha256 [0-9a-f]{8}`, string(out))
	assert.Contains(t, o.Object["stringData"].(map[string]any)["user"], "PLANTED", "the original is untouched")
}

func TestRedactorIsConcurrent(t *testing.T) {
	var r evidence.Redactor
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 200 {
			r.Secret(fmt.Sprintf("secret-%d-value", i))
		}
	}()
	for range 200 {
		_ = r.String("a secret-1-value b")
	}
	<-done
	assert.Equal(t, "a [redacted] b", r.String("a secret-1-value b"))
}

func FuzzNoFormSurvives(f *testing.F) {
	f.Add("hunter2", "a", "bc")
	f.Add("\x00\xff\"\\<>", "", "=")
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		secret = strings.TrimSpace(secret)
		if len(secret) < 8 || strings.Contains("[redacted]", secret) {
			return
		}
		var r evidence.Redactor
		r.Secret(secret)
		assert.NotContains(t, r.String(before+secret+after), secret)
		encoded := r.String(base64.StdEncoding.EncodeToString([]byte(before + secret + after)))
		for _, d := range decodings(encoded) {
			assert.NotContains(t, d, secret)
		}
	})
}

// dump resembles a proxy's config_dump in size and structure.
func dump() []byte {
	var listeners []any
	for i := range 600 {
		listeners = append(listeners, map[string]any{"name": fmt.Sprintf("0.0.0.0_%d", i), "version_info": "2026-11-21T11:36:00Z/17",
			"filter_chains": []any{map[string]any{"filters": []any{map[string]any{"name": "envoy.filters.network.http_connection_manager",
				"typed_config": map[string]any{"stat_prefix": "outbound", "cluster": "outbound|27017||mongodb.bookinfo.svc.cluster.local"}}}}}})
	}
	data, err := json.Marshal(map[string]any{"configs": listeners})
	if err != nil {
		return nil
	}
	return data
}

func BenchmarkJSON(b *testing.B) {
	data := dump()
	var r evidence.Redactor
	r.Secret("hunter2hunter2", newKey(b))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		_ = r.JSON(data)
	}
}

func BenchmarkLog(b *testing.B) {
	line := `[2026-11-21T11:21:23.261Z] "GET /productpage HTTP/2" 200 - via_upstream - "-" 0 478 2 1 "10.244.0.1" "curl/7.88.1" "28776b4a-89f7-4d49-8b1f-7a5ab105cfa5" "api.example.com" "10.244.0.6:9080" outbound|9080||productpage.bookinfo.svc.cluster.local` + "\n"
	log := strings.Repeat(line, (2<<20)/len(line))
	var r evidence.Redactor
	r.Secret("hunter2hunter2", newKey(b))
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		_ = r.String(log)
	}
}

func TestRedactorDoesNotAllocateForCleanText(t *testing.T) {
	var r evidence.Redactor
	s := string(bytes.Repeat([]byte("an ordinary line of a log\n"), 1000))
	assert.LessOrEqual(t, testing.AllocsPerRun(10, func() { _ = r.String(s) }), 16.0)
}
