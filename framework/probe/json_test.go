package probe

import (
	"encoding/json"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// whole is an Observation with every field set, which the test checks.
func whole() Observation {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	return Observation{
		Request: RequestSummary{Kind: KindHTTP, Method: "GET", URL: "https://api.test//x", Connect: "127.0.0.1:1",
			ServerName: "api.test", Header: http.Header{"a": {"b", "c"}}, Via: "ns/pod/container"},
		Status: 503, Proto: "HTTP/2.0", Header: http.Header{"Server": {"envoy"}}, Body: Bytes("no healthy upstream"), Truncated: true,
		TLS: &TLSInfo{Version: "1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", ALPN: "h2", ServerName: "api.test",
			Peer: []CertInfo{{Subject: "CN=a", Issuer: "CN=b", DNSNames: []string{"api.test"}, IPs: []string{"::1"}, URIs: []string{"spiffe://x"},
				Serial: "ff", KeyType: "RSA-2048", NotBefore: at, NotAfter: at.Add(time.Hour), IsCA: true, SHA256: "00"}},
			VerifyError: "x509: no", VerifyCause: VerifyName, ClientCertRequested: true},
		Timing: Timing{DNS: 1250 * time.Microsecond, Connect: 3 * time.Microsecond, TLS: time.Second, FirstByte: 7 * time.Millisecond, Total: time.Hour},
		Local:  "10.0.0.1:1", Remote: "10.0.0.2:2", Reused: true,
		Connections: []string{"10.0.0.1:1"}, Wire: &Wire{Sent: []byte{0x16, 3}, Received: []byte{0x16}},
		Failure:   &Failure{Class: ClassTLSAlert, Phase: PhaseTLS, Message: "refused", Alert: "protocol_version"},
		RequestID: "id", At: at,
	}
}

func TestObservationSurvivesJSON(t *testing.T) {
	binary, empty := whole(), Observation{At: whole().At}
	binary.Body = Bytes{0xff, 0x00, 0x16}
	for _, o := range []Observation{whole(), binary, empty} {
		data, err := json.Marshal(o)
		require.NoError(t, err)
		var back Observation
		require.NoError(t, json.Unmarshal(data, &back))
		assert.Equal(t, o, back, string(data))
	}
	assertNoZero(t, reflect.ValueOf(whole()), "Observation")
}

// assertNoZero keeps whole honest when a field is added.
func assertNoZero(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	assert.False(t, v.IsZero(), "%s is not set by the test", path)
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		assertNoZero(t, v.Elem(), path)
	case v.Kind() == reflect.Slice && v.Len() > 0 && v.Type().Elem().Kind() == reflect.Struct:
		assertNoZero(t, v.Index(0), path+"[0]")
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			assertNoZero(t, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	}
}

func TestObservedSurvivesJSON(t *testing.T) {
	ca := newAuthority(t, "ca")
	at := secureServer(t, serverConfig(ca, leaf{serial: 2, names: []string{host}}), respond(200, "x"))
	o := do(t, Request{URL: "https://" + host, Connect: at})
	data, err := json.Marshal(o)
	require.NoError(t, err)
	var back Observation
	require.NoError(t, json.Unmarshal(data, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	assert.JSONEq(t, string(data), string(again))
	assert.Equal(t, o.Failure, back.Failure)
	assert.Equal(t, o.TLS, back.TLS)
}

func TestReadableJSON(t *testing.T) {
	data, err := json.Marshal(whole())
	require.NoError(t, err)
	for _, part := range []string{`"body":"no healthy upstream"`, `"dnsMs":1.25`, `"totalMs":3600000`, `"class":"tls-alert"`} {
		assert.Contains(t, string(data), part)
	}
}

func TestRequestSurvivesJSON(t *testing.T) {
	for _, r := range []Request{
		{},
		{Kind: KindTLS, URL: "tls://a:1", Timeout: 1500 * time.Millisecond, TLS: TLSOptions{ALPN: []string{}, NoSNI: true}},
		{URL: "http://a", Header: http.Header{"plan-type": {"gold", "silver"}}, RawPath: true, Read: 3, BodyLimit: 9, Body: "x"},
	} {
		data, err := json.Marshal(r)
		require.NoError(t, err)
		var back Request
		require.NoError(t, json.Unmarshal(data, &back))
		assert.Equal(t, r, back, string(data))
	}
}
