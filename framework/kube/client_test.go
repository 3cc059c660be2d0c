package kube

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meshgate/framework/kube/kubetest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const twoContexts = `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts: [{name: stage, context: {cluster: c, user: u}}, {name: prod, context: {cluster: c, user: u}}, {name: broken, context: {cluster: gone, user: u}}]
`

func TestConnectErrorNamesFileContextAndAvailableContexts(t *testing.T) {
	for name, c := range map[string]struct{ content, context, want string }{
		"wrong context":    {twoContexts, "prd", `kubeconfig FILE: context: want "prd", got only [broken, prod, stage]: choose one with --context`},
		"none is current":  {twoContexts, "", `kubeconfig FILE: context: want "", got only [broken, prod, stage]: choose one with --context`},
		"no context":       {"apiVersion: v1\nkind: Config\n", "", "kubeconfig FILE: it has no context: choose another file with --kubeconfig"},
		"empty file":       {"", "", "kubeconfig FILE: it has no context: choose another file with --kubeconfig"},
		"no such cluster":  {twoContexts, "broken", `kubeconfig FILE, context "broken": invalid configuration: `},
		"garbage":          {"\x00\x01garbage", "", "kubeconfig FILE: "},
		"something else":   {"[1, 2]", "", "kubeconfig FILE: "},
		"another document": {"kind: ConfigMap\napiVersion: v1\n", "", "kubeconfig FILE: "},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "kubeconfig")
			require.NoError(t, os.WriteFile(file, []byte(c.content), 0o600))
			_, err := Connect(file, c.context)
			require.Error(t, err)
			assert.Contains(t, strings.ReplaceAll(err.Error(), file, "FILE"), c.want)
		})
	}
}

func TestConnectErrorNamesAMissingFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none")
	_, err := Connect(file, "")
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "kubeconfig "+file+": ")
}

func TestConnectUsesTheDefaultsOfKubectl(t *testing.T) {
	s := kubetest.New()
	t.Cleanup(s.Close)
	file, err := s.Kubeconfig(t.TempDir())
	require.NoError(t, err)
	t.Setenv("KUBECONFIG", file)
	c, err := Connect("", "")
	require.NoError(t, err)
	assert.Equal(t, s.URL(), c.REST().Host)
	_, err = Connect("", "other")
	assert.EqualError(t, err, `kubeconfig (KUBECONFIG or the default file): context: want "other", got only [memory]: choose one with --context`)
}

func TestVersionAsksTheServer(t *testing.T) {
	c, _ := served(t)
	v, err := c.Version(t.Context())
	require.NoError(t, err)
	assert.Equal(t, kubetest.Version, v)
}

func TestVersionErrorSaysWhatToCheck(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := gone.Addr().String()
	require.NoError(t, gone.Close())
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(twoContexts, "127.0.0.1:1", address)), 0o600))
	c, err := Connect(file, "prod")
	require.NoError(t, err, "Connect sends no request")
	_, err = c.Version(t.Context())
	require.Error(t, err)
	assert.Contains(t, err.Error(), "API server http://"+address+" does not answer: ")
	assert.Contains(t, err.Error(), "connection refused")
	assert.Contains(t, err.Error(), "check the cluster, the kubeconfig and the credentials")
}

func TestVersionDistinguishesUnauthorizedFromUnreachable(t *testing.T) {
	c, s := served(t)
	s.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		kubetest.Refuse(w, apierrors.NewUnauthorized("token expired"))
		return true
	})
	_, err := c.Version(t.Context())
	assert.EqualError(t, err, "API server "+s.URL()+" refuses the credentials: the server has asked for the client to provide credentials: check the credentials of the kubeconfig")
}

func TestVersionRefusesAServerThatIsNotKubernetes(t *testing.T) {
	c, s := served(t)
	s.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = w.Write([]byte(`{"status":"ok"}`))
		return true
	})
	_, err := c.Version(t.Context())
	assert.EqualError(t, err, "API server "+s.URL()+`: /version: gitVersion: want a version such as v1.36.3, got ""`)
}

func TestVersionEndsWithItsContext(t *testing.T) {
	c, s := served(t)
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
	ctx, stop := contextWithin(t, 100*time.Millisecond)
	defer stop()
	began := time.Now()
	_, err := c.Version(ctx)
	require.ErrorContains(t, err, "does not answer")
	assert.Less(t, time.Since(began), 5*time.Second)
}

func TestLogsPassesTheOptionsToTheServer(t *testing.T) {
	c, s := served(t)
	s.SetLog("shop", "api-1", "istio-proxy", "one\ntwo\n")
	got, err := c.Logs(t.Context(), "shop", "api-1", "istio-proxy", LogOptions{})
	require.NoError(t, err)
	assert.Equal(t, "one\ntwo\n", string(got))
	_, err = c.Logs(t.Context(), "shop", "api-1", "istio-proxy", LogOptions{
		Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Previous: true, LimitBytes: 10, TailLines: 2})
	require.NoError(t, err)
	requests := s.Requests()
	assert.Equal(t, []string{
		"GET /api/v1/namespaces/shop/pods/api-1/log?container=istio-proxy",
		"GET /api/v1/namespaces/shop/pods/api-1/log?container=istio-proxy&limitBytes=10&previous=true&sinceTime=2026-01-02T03%3A04%3A05Z&tailLines=2",
	}, requests[len(requests)-2:])
	_, err = c.Logs(t.Context(), "shop", "gone", "app", LogOptions{})
	require.True(t, apierrors.IsNotFound(err))
	assert.ErrorContains(t, err, "log of shop/gone/app: ")
}

// The kubelet would read a long log from its beginning to find the new lines.
func TestLogsSinceReadsOnlyTheNewEndOfALongLog(t *testing.T) {
	since := LogOptions{Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	for lines, asked := range map[int][]string{
		0:       {"500"},
		249:     {"500"},
		250:     {"500", "2000"}, // each could be two
		3_000:   {"500", "2000", "8000"},
		100_000: {"500", "2000", "8000", "32000", ""},
	} {
		c, s := served(t)
		var log strings.Builder
		for i := range lines {
			fmt.Fprintln(&log, i)
		}
		s.SetLog("shop", "api-1", "istio-proxy", log.String())
		got, err := c.Logs(t.Context(), "shop", "api-1", "istio-proxy", since)
		require.NoError(t, err)
		assert.Equal(t, log.String(), string(got), "the log is complete")
		var tails []string
		for _, r := range s.Requests() {
			if u, err := url.Parse(strings.TrimPrefix(r, "GET ")); err == nil && strings.HasSuffix(u.Path, "/log") {
				tails = append(tails, u.Query().Get("tailLines"))
			}
		}
		assert.Equal(t, asked, tails)
	}
}

func TestExecAndForwardErrorsNameThePod(t *testing.T) {
	c, _ := served(t)
	_, _, err := c.Exec(t.Context(), "shop", "gone", "app", []string{"agent", "probe"}, nil)
	assert.ErrorContains(t, err, `exec "agent probe" in shop/gone/app: `)
	_, _, err = c.Forward(t.Context(), "shop", "gone", 8080)
	assert.ErrorContains(t, err, "forward to shop/gone:8080: ")
}
