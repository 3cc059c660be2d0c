package registry

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/bundle"
	"meshgate/framework/progress"
)

const proxyv2 = "docker.io/istio/proxyv2:1.31.1"

// isBlob tells whether r asks for that blob.
func isBlob(r *http.Request, digest string) bool {
	return r.Method == http.MethodGet && filepath.Base(r.URL.Path) == digest
}

func TestTamperedBlobIsRefused(t *testing.T) {
	s := newServer(t)
	digest := layerOf(t, s.publishIstio(t, "")[pilot], 1)
	s.on(func(w http.ResponseWriter, r *http.Request) bool {
		if !isBlob(r, digest) {
			return false
		}
		body := s.raw(r).Body.Bytes()
		body[len(body)/2] ^= 0xff
		_, _ = w.Write(body)
		return true
	})
	o := options(t.TempDir(), s.source(t, Options{}), nil)
	_, err := bundle.Resolve(t.Context(), o, []string{"istio-1.31"})
	for _, want := range []string{pilot, digest, "sha256"} {
		require.ErrorContains(t, err, want)
	}
	assert.Equal(t, 1, s.count(digest), "wrong content is not worth another attempt")
	_, err = bundle.Open(o.Dir)
	require.ErrorIs(t, err, bundle.ErrNoBundle, "nothing of it is in a lock")
	assert.NoFileExists(t, blobFile(o.Dir, digest))
}

func blobFile(dir, digest string) string {
	return filepath.Join(dir, "blobs", "sha256", digest[len("sha256:"):])
}

// cut answers with the right length but only half of the body.
func (s *server) cut(w http.ResponseWriter, r *http.Request) {
	body := s.raw(r).Body.Bytes()
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body[:len(body)/2])
	panic(http.ErrAbortHandler) // how a handler breaks its connection off
}

func TestTruncatedBlobIsAskedForAgain(t *testing.T) {
	s := newServer(t)
	digest := layerOf(t, s.publishIstio(t, "")[pilot], 1)
	var cuts atomic.Int32
	s.on(func(w http.ResponseWriter, r *http.Request) bool {
		if isBlob(r, digest) && cuts.Add(1) == 1 {
			s.cut(w, r)
		}
		return false
	})
	said := &notes{}
	b, err := bundle.Resolve(t.Context(), options(t.TempDir(), s.source(t, Options{}), said), []string{"istio-1.31"})
	require.NoError(t, err)
	defer b.Close()
	require.NoError(t, b.Verify(t.Context(), progress.Discard().Begin("")))
	assert.Contains(t, said.text(), pilot+": the transfer broke off")
	assert.Equal(t, 2, s.count(digest))
}

func TestTruncatedEveryTimeIsAnError(t *testing.T) {
	s := newServer(t)
	digest := layerOf(t, s.publishIstio(t, "")[pilot], 1)
	s.on(func(w http.ResponseWriter, r *http.Request) bool {
		if isBlob(r, digest) {
			s.cut(w, r)
		}
		return false
	})
	o := options(t.TempDir(), s.source(t, Options{}), nil)
	_, err := bundle.Resolve(t.Context(), o, []string{"istio-1.31"})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.ErrorContains(t, err, pilot)
	require.ErrorContains(t, err, digest)
	assert.Equal(t, attempts, s.count(digest))
	assert.NoFileExists(t, blobFile(o.Dir, digest))
}

func TestStalledTransferEnds(t *testing.T) {
	s := newServer(t)
	digest := layerOf(t, s.publishIstio(t, "")[pilot], 1)
	s.on(func(w http.ResponseWriter, r *http.Request) bool {
		if !isBlob(r, digest) {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(layerSize))
		_, _ = w.Write([]byte("some"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	})
	src := s.source(t, Options{StallAfter: 50 * time.Millisecond})
	_, err := bundle.Resolve(t.Context(), options(t.TempDir(), src, nil), []string{"istio-1.31"})
	var network net.Error
	require.ErrorAs(t, err, &network)
	assert.True(t, network.Timeout())
	assert.ErrorContains(t, err, pilot)
}

func TestInterruptedPullResumes(t *testing.T) {
	s := newServer(t)
	images := s.publishIstio(t, "")
	hung := layerOf(t, images[proxyv2], 1)
	ctx, cancel := context.WithCancel(t.Context())
	s.on(func(w http.ResponseWriter, r *http.Request) bool {
		if !isBlob(r, hung) {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(layerSize))
		_, _ = w.Write([]byte("some"))
		cancel()
		<-r.Context().Done()
		return true
	})
	o := options(t.TempDir(), s.source(t, Options{}), nil)
	_, err := bundle.Resolve(ctx, o, []string{"istio-1.31"})
	require.ErrorIs(t, err, context.Canceled)
	_, err = bundle.Open(o.Dir)
	require.ErrorIs(t, err, bundle.ErrNoBundle, "half a component is not in the lock")
	require.NoFileExists(t, blobFile(o.Dir, hung))

	s.on(nil)
	b, err := bundle.Resolve(t.Context(), o, []string{"istio-1.31"})
	require.NoError(t, err)
	defer b.Close()
	require.NoError(t, b.Verify(t.Context(), progress.Discard().Begin("")))
	for _, finished := range []string{layerOf(t, images[pilot], 0), layerOf(t, images[pilot], 1)} {
		assert.Zero(t, s.count(finished), "a finished layer is not pulled again")
	}
	assert.Equal(t, 1, s.count(hung))

	s.on(nil)
	again, err := bundle.Resolve(t.Context(), o, []string{"istio-1.31"})
	require.NoError(t, err)
	again.Close()
	assert.Empty(t, s.calls, "what is cached asks nobody")
}

func TestProxyOfTheEnvironment(t *testing.T) {
	s := newServer(t)
	s.publishIstio(t, "")
	target, err := url.Parse(s.URL)
	require.NoError(t, err)
	var through atomic.Int32
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect || r.Host != "registry.test" {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		through.Add(1)
		forward.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	s.source(t, Options{}) // for its clean environment
	for _, v := range []string{"HTTP_PROXY", "HTTPS_PROXY"} {
		t.Setenv(v, proxy.URL)
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	src, err := New(Options{Mirror: "http://registry.test"})
	require.NoError(t, err)
	b, err := bundle.Resolve(t.Context(), options(t.TempDir(), src, nil), []string{"istio-1.31"})
	require.NoError(t, err)
	b.Close()
	assert.Positive(t, through.Load(), "a name that only the proxy knows")
}
