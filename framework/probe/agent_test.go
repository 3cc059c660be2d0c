package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// agent is an Asker whose pod is a server of this process.
type agent struct {
	at    string
	asked string
}

func newAgent(t *testing.T) *agent { return &agent{at: plainServer(t, AgentHandler())} }

func (a *agent) Ask(ctx context.Context, ns, pod string, port int, method, path string, body []byte) ([]byte, error) {
	a.asked = fmt.Sprintf("%s %s of %s/%s:%d", method, path, ns, pod, port)
	req, err := http.NewRequestWithContext(ctx, method, "http://"+a.at+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d: %s", resp.StatusCode, answer)
	}
	return answer, err
}

func TestInsideObservesLikeOutside(t *testing.T) {
	ca := newAuthority(t, "ca")
	at := secureServer(t, serverConfig(ca, leaf{serial: 5, names: []string{host}}), respond(418, "tea"))
	p := newAgent(t)
	r := Request{URL: "https://" + host + "//x", Connect: at, RawPath: true, TLS: TLSOptions{RootsPEM: ca.PEM}}
	in, out := Inside(p, "ns", "pod-1").Do(t.Context(), r), do(t, r)
	succeeded(t, in)
	assert.Equal(t, "POST /probe?concurrency=1 of ns/pod-1:15990", p.asked)
	assert.Equal(t, "ns/pod-1", in.Request.Via)
	assert.Equal(t, "outside", out.Request.Via)
	assert.Equal(t, out.Status, in.Status)
	assert.Equal(t, out.Body, in.Body)
	assert.Equal(t, out.TLS, in.TLS)
	assert.NotEmpty(t, in.RequestID)
}

func TestInsideKeepsTheRefusal(t *testing.T) {
	at := rawServer(t, answering(""))
	failed(t, Inside(newAgent(t), "ns", "pod").Do(t.Context(), Request{URL: "http://" + at}), ClassClosed, PhaseResponse)
}

func TestInsideTimesOutAsTheTarget(t *testing.T) {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	at := plainServer(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	failed(t, Inside(newAgent(t), "ns", "pod").Do(ctx, Request{URL: "http://" + at}), ClassTimeout, PhaseResponse)
}

// scripted answers with what the test says: the failures of a cluster.
type scripted struct {
	answer string
	err    error
}

func (s scripted) Ask(context.Context, string, string, int, string, string, []byte) ([]byte, error) {
	return []byte(s.answer), s.err
}

func TestAnAgentThatFailsIsNotATargetThatFails(t *testing.T) {
	for name, k := range map[string]scripted{
		"no agent": {"", errors.New("connection refused")},
		"garbage":  {"<html>", nil},
		"too few":  {"[]", nil},
		"too many": {`[{"at":"2026-01-02T03:04:05Z"},{"at":"2026-01-02T03:04:05Z"}]`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := Inside(k, "ns", "pod").Do(t.Context(), Request{URL: "http://a", RequestID: "kept"})
			failed(t, o, ClassAgent, PhaseAgent)
			assert.Equal(t, "kept", o.RequestID)
			assert.Contains(t, o.Failure.Message, "ns/pod")
			assert.Equal(t, "http://a", o.Request.URL)
		})
	}
}

// crowd is a server that lets nobody go before want are there together, and says
// how many there were at most.
type crowd struct {
	mu        sync.Mutex
	want      int
	now, peak int
	full      chan struct{}
}

func (c *crowd) expect(want int) { c.want, c.now, c.peak, c.full = want, 0, 0, make(chan struct{}) }

func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.now++
	c.peak = max(c.peak, c.now)
	if c.peak == c.want && c.now == c.want {
		select {
		case <-c.full:
		default:
			close(c.full)
		}
	}
	c.mu.Unlock()
	select {
	case <-c.full:
	case <-r.Context().Done():
	}
	<-time.After(10 * time.Millisecond) // time for one too many to show itself
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
	_, _ = io.WriteString(w, r.URL.Path)
}

func TestAllIsAsConcurrentAsAsked(t *testing.T) {
	c := &crowd{}
	at := plainServer(t, c)
	var requests []Request
	for i := range 8 {
		requests = append(requests, GET("http://"+at+"/"+strconv.Itoa(i)))
	}
	for _, p := range []Prober{Outside(), Inside(newAgent(t), "ns", "pod")} {
		for concurrency, want := range map[int]int{1: 1, 3: 3, 0: 8, 99: 8} {
			c.expect(want)
			for i, o := range All(t.Context(), p, requests, concurrency) {
				succeeded(t, o)
				assert.Equal(t, "/"+strconv.Itoa(i), string(o.Body), "in the order of the requests")
			}
			assert.Equal(t, want, c.peak, "concurrency %d", concurrency)
		}
	}
	assert.Empty(t, All(t.Context(), Outside(), nil, 1))
}

func TestAnswerKeepsTheShape(t *testing.T) {
	at := plainServer(t, respond(204, ""))
	one := `{"url":"http://` + at + `","timeoutMs":2000}`
	var out bytes.Buffer
	require.NoError(t, Answer(t.Context(), strings.NewReader(one), &out, 0))
	var o Observation
	require.NoError(t, json.Unmarshal(out.Bytes(), &o))
	assert.Equal(t, 204, o.Status)
	out.Reset()
	require.NoError(t, Answer(t.Context(), strings.NewReader("["+one+","+one+"]"), &out, 0))
	var many []Observation
	require.NoError(t, json.Unmarshal(out.Bytes(), &many))
	assert.Len(t, many, 2)
}

func TestAnswerRefusesWhatIsNoRequest(t *testing.T) {
	for _, in := range []string{"", "{", "[]", "7", `{"url":"http://a"} x`, `{"ulr":"http://a"}`, `[{"tls":{"mni":"1.0"}}]`, strings.Repeat(" ", maxInput+1)} {
		assert.ErrorContains(t, Answer(t.Context(), strings.NewReader(in), io.Discard, 0), "agent: ")
	}
}

func TestTheAgentSaysWhatItCannotRead(t *testing.T) {
	a := newAgent(t)
	for path, body := range map[string]string{"/probe?concurrency=x": `{"url":"http://a"}`, "/probe": `[]`, "/probe?concurrency=1": `{"ulr":"http://a"}`} {
		_, err := a.Ask(t.Context(), "ns", "pod", AgentPort, http.MethodPost, path, []byte(body))
		assert.ErrorContains(t, err, "400: ", path)
	}
}

func FuzzDecodeRequests(f *testing.F) {
	for _, seed := range []string{
		`{"url":"http://a"}`, `[{"url":"https://a//b","rawPath":true,"header":{"a":["b"]},"timeoutMs":1.5}]`, `[]`, `{`, `null`, `[null]`,
		`{"url":"tls://a:1","tls":{"alpn":[],"min":"1.0"}}`, `{"timeoutMs":1e300}`, `{"url":"http://[::1","body":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		requests, _, err := decodeRequests(bytes.NewReader(data))
		if err != nil {
			return
		}
		require.NotEmpty(t, requests)
		for _, r := range requests {
			p, err := newPlan(r)
			if err != nil || p.Kind != KindHTTP {
				continue
			}
			// Whatever was asked for, one request goes out and not two.
			head, _, found := bytes.Cut(p.wire(false), []byte("\r\n\r\n"))
			require.True(t, found)
			require.NotContains(t, strings.ReplaceAll(string(head), "\r\n", ""), "\n")
			require.Equal(t, 2, strings.Count(strings.SplitN(string(head), "\r\n", 2)[0], " "))
		}
	})
}
