package commandline

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"meshgate/framework/probe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// of is the line of a request, after what all of them have in common.
func of(t *testing.T, r probe.Request) (Line, Files) {
	t.Helper()
	r.RequestID = "id"
	files := Files{Dir: "/d"}
	line, err := Outside(r, &files)
	require.NoError(t, err)
	return line, files
}

// heads are the headers of ours, and what is taken out of curl's.
const heads = `-H 'user-agent: meshgate-probe/1 (id)' -H 'x-request-id: id' -H accept: `

func get(change func(*probe.Request)) probe.Request {
	r := probe.GET("https://h.example.com/x")
	r.Connect, r.Timeout, r.TLS.RootsPEM = "192.0.2.1:30443", 1500*time.Millisecond, "CA"
	change(&r)
	return r
}

func TestCurl(t *testing.T) {
	const to = " --connect-to h.example.com:443:192.0.2.1:30443 "
	for name, c := range map[string]struct {
		r    probe.Request
		want string
	}{
		"plain": {get(func(r *probe.Request) { r.URL, r.TLS = "http://h.example.com/x?a=b&c=%20", probe.TLSOptions{} }),
			"--http1.1 " + heads + "-H 'Connection: close' --connect-to h.example.com:80:192.0.2.1:30443 'http://h.example.com/x?a=b&c=%20'"},
		"no connect": {get(func(r *probe.Request) { r.Connect = "" }), "--http2 --cacert /d/ca.pem " + heads + "https://h.example.com/x"},
		"tls":        {get(func(*probe.Request) {}), "--http2 --cacert /d/ca.pem " + heads[:len(heads)-1] + to + "https://h.example.com/x"},
		"port": {get(func(r *probe.Request) { r.URL = "https://h.example.com:8443/" }),
			"--http2 --cacert /d/ca.pem " + heads + "--connect-to h.example.com:8443:192.0.2.1:30443 https://h.example.com:8443/"},
		"usual port in the authority": {get(func(r *probe.Request) { r.URL = "https://h.example.com:443/" }),
			"--http2 --cacert /d/ca.pem " + heads[:len(heads)-1] + to + "-H 'Host: h.example.com:443' https://h.example.com/"},
		"http/1.1": {get(func(r *probe.Request) { r.TLS.ALPN = []string{"http/1.1"} }),
			"--http1.1 --cacert /d/ca.pem " + heads + "-H 'Connection: close'" + to + "https://h.example.com/x"},
		"no ALPN": {get(func(r *probe.Request) { r.TLS.ALPN = []string{} }),
			"--http1.1 --no-alpn --cacert /d/ca.pem " + heads + "-H 'Connection: close'" + to + "https://h.example.com/x"},
		"one version": {get(func(r *probe.Request) { r.TLS.Min, r.TLS.Max = "1.3", "1.3" }),
			"--http2 --cacert /d/ca.pem --tlsv1.3 --tls-max 1.3 " + heads[:len(heads)-1] + to + "https://h.example.com/x"},
		"old version": {get(func(r *probe.Request) { r.TLS.Max = "1.1" }),
			"--http2 --cacert /d/ca.pem --tlsv1.1 --tls-max 1.1 --ciphers DEFAULT:@SECLEVEL=0 " + heads[:len(heads)-1] + to + "https://h.example.com/x"},
		"unverified": {get(func(r *probe.Request) { r.TLS.SkipVerify, r.TLS.RootsPEM = true, "" }), "--http2 -k " + heads[:len(heads)-1] + to + "https://h.example.com/x"},
		"client certificate": {get(func(r *probe.Request) { r.TLS.CertPEM, r.TLS.KeyPEM = "CERT", "KEY" }),
			"--http2 --cacert /d/ca.pem --cert /d/client.pem --key /d/client-key.pem " + heads[:len(heads)-1] + to + "https://h.example.com/x"},
		"another server name": {get(func(r *probe.Request) { r.TLS.ServerName = "other.example.com" }),
			"--http2 --cacert /d/ca.pem " + heads + "--connect-to other.example.com:443:192.0.2.1:30443 -H 'Host: h.example.com' https://other.example.com/x"},
		"no server name": {get(func(r *probe.Request) { r.TLS.NoSNI = true }), "--http2 --cacert /d/ca.pem " + heads + "-H 'Host: h.example.com' https://192.0.2.1:30443/x"},
		"another host":   {get(func(r *probe.Request) { r.Header = http.Header{"Host": {"other"}} }), "--http2 --cacert /d/ca.pem " + heads[:len(heads)-1] + to + "-H 'Host: other' https://h.example.com/x"},
		"IPv6": {get(func(r *probe.Request) { r.URL, r.Connect = "https://[2001:db8::1]/", "[2001:db8::2]:443" }),
			"--http2 --cacert /d/ca.pem " + heads + "--connect-to '[2001:db8::1]:443:[2001:db8::2]:443' -g 'https://[2001:db8::1]/'"},
		"raw path": {get(func(r *probe.Request) { r.URL, r.RawPath = "https://h.example.com//a/../%2F|#x[1]", true }),
			"--http2 --cacert /d/ca.pem " + heads[:len(heads)-1] + to + "--path-as-is -g --request-target '//a/../%2F|#x[1]' 'https://h.example.com//a/../%2F|#x[1]'"},
		"dots":  {get(func(r *probe.Request) { r.URL = "https://h.example.com/a/../b" }), "--http2 --cacert /d/ca.pem " + heads[:len(heads)-1] + to + "--path-as-is https://h.example.com/a/../b"},
		"HEAD":  {get(func(r *probe.Request) { r.Method = "HEAD" }), "--http2 --cacert /d/ca.pem -I " + heads[:len(heads)-1] + to + "https://h.example.com/x"},
		"other": {get(func(r *probe.Request) { r.Method = "OPTIONS" }), "--http2 --cacert /d/ca.pem -X OPTIONS " + heads[:len(heads)-1] + to + "https://h.example.com/x"},
		"body": {get(func(r *probe.Request) { r.Method, r.Body = "PUT", "it's" }),
			`--http2 --cacert /d/ca.pem -X PUT --data-binary 'it'\''s' ` + heads + "-H content-type:" + to + "https://h.example.com/x"},
		"empty body":   {get(func(r *probe.Request) { r.Method = "POST" }), "--http2 --cacert /d/ca.pem --data-binary '' " + heads + "-H content-type:" + to + "https://h.example.com/x"},
		"body of ours": {get(func(r *probe.Request) { r.Method, r.Body = "POST", "@x" }), "--http2 --cacert /d/ca.pem --data-binary @/d/body " + heads + "-H content-type:" + to + "https://h.example.com/x"},
		"headers": {get(func(r *probe.Request) {
			r.Header = http.Header{"B": {"2", ""}, "Accept": {"x"}, "User-Agent": {"me"}, "Cookie": {"secret"}}
		}), "--http2 --cacert /d/ca.pem -H 'Accept: x' -H 'B: 2' -H 'B;' -H @/d/header -H 'User-Agent: me' -H 'x-request-id: id'" + to + "https://h.example.com/x"},
	} {
		t.Run(name, func(t *testing.T) {
			line, _ := of(t, c.r)
			assert.Equal(t, "curl -q -v --noproxy '*' --max-time 1.5 "+c.want, line.Text)
		})
	}
}

func TestWhatCurlDoesOtherwiseIsNoted(t *testing.T) {
	for want, r := range map[string]probe.Request{
		"curl offers h2 and http/1.1 by ALPN, the probe h2":                                                     get(func(r *probe.Request) { r.TLS.ALPN = []string{"h2"} }),
		"curl sends no server name because the URL has an address for a host":                                   get(func(r *probe.Request) { r.TLS.NoSNI = true }),
		"curl verifies the certificate for h.example.com, the probe for a.example.com":                          get(func(r *probe.Request) { r.TLS.VerifyName = "a.example.com" }),
		"curl verifies the certificate for 192.0.2.1, the probe for h.example.com":                              get(func(r *probe.Request) { r.TLS.NoSNI = true }),
		"some bytes of this line cannot be shown, so it cannot be pasted as it is":                              get(func(r *probe.Request) { r.URL, r.RawPath = "https://h.example.com/\xff", true }),
		`mongosh dials the name that it verifies: first have it resolve, by a line "192.0.2.1 h" in /etc/hosts`: {Kind: probe.KindMongoDB, URL: "mongodb+tls://h/db/c", Connect: "192.0.2.1:27018"},
	} {
		line, _ := of(t, r)
		assert.Contains(t, line.Notes, want)
	}
	line, _ := of(t, get(func(*probe.Request) {}))
	assert.Empty(t, line.Notes)
}

func TestTheOtherKinds(t *testing.T) {
	mongo := probe.Request{Kind: probe.KindMongoDB, URL: "mongodb+tls://db.example.com:27018/shop/a\"b", Connect: "192.0.2.1:30018", Timeout: time.Second,
		TLS: probe.TLSOptions{RootsPEM: "CA", CertPEM: "CERT", KeyPEM: "KEY"}, Mongo: probe.MongoOptions{Username: "u", Password: "p", AuthSource: "admin"}}
	for want, r := range map[string]probe.Request{
		"openssl s_client -connect 192.0.2.1:443 -servername h -CAfile /d/ca.pem -no-CApath -no-CAstore -verify_hostname h -verify_return_error </dev/null": {
			Kind: probe.KindTLS, URL: "tls://h:443", Connect: "192.0.2.1:443", TLS: probe.TLSOptions{RootsPEM: "CA"}},
		"openssl s_client -connect h:443 -noservername -verify_hostname v -cert /d/client.pem -key /d/client-key.pem -alpn h2,x -min_protocol TLSv1 -max_protocol TLSv1.1 -cipher DEFAULT:@SECLEVEL=0 -quiet </d/body": {
			Kind: probe.KindTLS, URL: "tls://h:443", Body: "ping\r\n", Read: 4,
			TLS: probe.TLSOptions{NoSNI: true, VerifyName: "v", SkipVerify: true, CertPEM: "CERT", KeyPEM: "KEY", ALPN: []string{"h2", "x"}, Min: "1.0", Max: "1.1"}},
		"openssl s_client -connect 192.0.2.1:443 -noservername -verify_ip 192.0.2.1 -verify_return_error -quiet -no_ign_eof </d/body": {
			Kind: probe.KindTLS, URL: "tls://192.0.2.1:443", Body: "x"},
		"nc -v -w 2 -z h 27017":           {Kind: probe.KindTCP, URL: "tcp://h:27017", Timeout: 1200 * time.Millisecond},
		"nc -v -w 1 h 27017 </dev/null":   {Kind: probe.KindTCP, URL: "tcp://h:27017", Timeout: time.Second, Read: 1},
		"nc -v -w 1 192.0.2.1 1 </d/body": {Kind: probe.KindTCP, URL: "tcp://h:27017", Connect: "192.0.2.1:1", Timeout: time.Second, Body: "x"},
		`mongosh 'mongodb://db.example.com:30018/shop?directConnection=true&retryReads=false&retryWrites=false&serverSelectionTimeoutMS=1000' --quiet` +
			` --tls --tlsCAFile /d/ca.pem --tlsCertificateKeyFile /d/client-both.pem --eval 'db.getCollection("a%22b").find({}, {_id: 0}).sort({_id: 1}).toArray()'` +
			` --authenticationDatabase admin --username u --password "$(cat /d/password)"`: mongo,
		"mongosh 'mongodb://192.0.2.1:1/admin?directConnection=true&retryReads=false&retryWrites=false&serverSelectionTimeoutMS=10000' --quiet --eval 'db.runCommand({buildInfo: 1})'": {
			Kind: probe.KindMongoDB, URL: "mongodb://h", Connect: "192.0.2.1:1"},
	} {
		line, _ := of(t, r)
		assert.Equal(t, want, line.Text)
	}
}

func TestNoSecretStandsInALine(t *testing.T) {
	const secret = "hush"
	for _, r := range []probe.Request{
		get(func(r *probe.Request) { r.Header = http.Header{"authorization": {secret}} }),
		get(func(r *probe.Request) { r.Header = http.Header{"Cookie": {secret}} }),
		get(func(r *probe.Request) { r.TLS.CertPEM, r.TLS.KeyPEM = "CERT", secret }),
		{Kind: probe.KindMongoDB, URL: "mongodb://h/db", Mongo: probe.MongoOptions{Username: "u", Password: secret}},
	} {
		line, files := of(t, r)
		assert.NotContains(t, line.Text, secret)
		assert.Contains(t, files.List[len(files.List)-1].Content, secret)
	}
}

func TestFilesOfTheSameContentAreOne(t *testing.T) {
	files := Files{Dir: "/d"}
	for _, c := range []struct{ content, want string }{{"1", "/d/ca.pem"}, {"2", "/d/ca-2.pem"}, {"1", "/d/ca.pem"}, {"3", "/d/ca-3.pem"}, {"2", "/d/ca-2.pem"}} {
		assert.Equal(t, c.want, files.keep("ca.pem", c.content))
	}
	assert.Len(t, files.List, 3)
}

func TestTheAgentGetsTheRequestThatTheProbeWouldSend(t *testing.T) {
	files := Files{Dir: "/d"}
	r := get(func(r *probe.Request) { r.RawPath = true })
	line, err := Inside(Kubectl{"/k u", "kind-m"}, Pod{"shop", "agent-1", "agent"}, r, &files)
	require.NoError(t, err)
	assert.Equal(t, "kubectl --kubeconfig '/k u' --context kind-m -n shop exec -i agent-1 -c agent -- /app probe </d/request.json", line.Text)
	assert.Equal(t, []string{"https://h.example.com/x, as the agent in shop/agent-1 asks it"}, line.Notes)
	var sent probe.Request
	require.NoError(t, json.Unmarshal([]byte(files.List[0].Content), &sent))
	assert.NotEmpty(t, sent.RequestID)
	sent.RequestID = ""
	assert.Equal(t, r, sent)
	assert.Equal(t, "kubectl get pods", Kubectl{}.Line("get", "pods"))
}

func TestWhatCannotBeAskedHasNoLine(t *testing.T) {
	for _, r := range []probe.Request{probe.GET("h/x"), probe.GET("https://h/\x00"), get(func(r *probe.Request) { r.TLS.Min = "1.9" })} {
		_, err := Outside(r, &Files{})
		assert.Error(t, err)
		_, err = Inside(Kubectl{}, Pod{}, r, &Files{})
		assert.Error(t, err)
	}
}

// The shell takes the lines apart as they were put together, whatever is in them.
func TestAShellReadsTheWords(t *testing.T) {
	dir := t.TempDir()
	files := Files{Dir: dir + "/it's"}
	r := get(func(r *probe.Request) {
		r.RawPath, r.Method, r.URL, r.Body = true, "POST", "https://h.example.com/$(id)/`id`?a='b'&c=\"d\"", `{"it's": "$HOME"}`
		r.Header = http.Header{"Cookie": {"a"}, "X": {`'";$x`}}
	})
	line, err := Outside(r, &files)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(dir+"/curl", []byte("#!/bin/sh\nfor a; do printf '%s\\n' \"$a\"; done\n"), 0o700))
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line.Text)
	cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
	out, err := cmd.Output()
	require.NoError(t, err)
	words := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	assert.Contains(t, words, `{"it's": "$HOME"}`)
	assert.Contains(t, words, `X: '";$x`)
	assert.Contains(t, words, "@"+dir+"/it's/header")
	assert.Equal(t, "https://h.example.com/$(id)/`id`?a='b'&c=\"d\"", words[len(words)-1])
}
