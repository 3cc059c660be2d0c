package kind

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/bundle"
	"meshgate/framework/cluster"
	"meshgate/framework/progress"
)

const adminConf = `apiVersion: v1
kind: Config
current-context: kubernetes-admin@m
clusters:
- name: m
  cluster: {server: "https://m-control-plane:6443"}
contexts:
- name: kubernetes-admin@m
  context: {cluster: m, user: kubernetes-admin}
users:
- name: kubernetes-admin
  user: {token: t}
`

func TestConnectWritesTheKubeconfig(t *testing.T) {
	f, n := newFake(t), testNames(t)
	f.answers["docker ps"], f.answers["docker container inspect"] = "m-control-plane\n", oneNode
	f.answers["docker exec m-control-plane cat /etc/kubernetes/admin.conf"] = adminConf
	k, err := connect(context.Background(), f.engine(), n)
	require.NoError(t, err)
	assert.Equal(t, "https://127.0.0.1:40001", k.REST().Host)
	info, err := os.Stat(n.kubeconfig())
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	raw, err := os.ReadFile(n.kubeconfig())
	require.NoError(t, err)
	assert.Contains(t, string(raw), "current-context: kind-m")
}

func TestConnectErrorSaysWhatIsMissing(t *testing.T) {
	f := newFake(t)
	f.answers["docker ps"], f.answers["docker container inspect"] = "m-control-plane\n", strings.ReplaceAll(oneNode, "6443/tcp", "80/tcp")
	f.answers["docker exec"] = adminConf
	_, err := connect(context.Background(), f.engine(), testNames(t))
	require.ErrorContains(t, err, "does not publish its API server")
	f.answers["docker exec"] = "kind: Config\n"
	_, err = connect(context.Background(), f.engine(), testNames(t))
	require.ErrorContains(t, err, "names no existing cluster or user")
	f.answers["docker ps"] = ""
	_, err = connect(context.Background(), f.engine(), testNames(t))
	require.ErrorContains(t, err, "want at least one node, got none")
}

func TestParseImages(t *testing.T) {
	table := "REF TYPE DIGEST SIZE PLATFORMS LABELS\n" +
		"docker.io/a/b:1 application/vnd.oci.image.manifest.v1+json sha256:aa 1.0 MiB linux/amd64 -\n" +
		"sha256:cc application/x sha256:bb 1 - -\n\n"
	assert.Equal(t, map[string]string{"docker.io/a/b:1": "sha256:aa", "sha256:cc": "sha256:bb"}, parseImages(table))
}

func TestRecordDiffers(t *testing.T) {
	r := record{Nodes: 1, Digests: map[string]string{"node": "sha256:a", "gone": "sha256:z"}}
	require.NoError(t, r.differs(map[string]string{"node": "sha256:a"}, 1))
	require.ErrorContains(t, r.differs(map[string]string{"node": "sha256:a"}, 2), "nodes: want 2, got 1")
	require.ErrorContains(t, r.differs(map[string]string{"node": "sha256:b"}, 1), "want sha256:b")
	require.ErrorContains(t, r.differs(map[string]string{"calico": "sha256:b"}, 1), "another calico")
}

func TestRecordBecomesACluster(t *testing.T) {
	c := record{Facts: []string{"f"}, NoNetworkPolicy: "it does not"}.cluster(names{cluster: "m", dir: "/c/m"}, "v1.36.3", true)
	var absent *cluster.AbsentError
	require.ErrorAs(t, c.NetworkPolicy, &absent)
	assert.Equal(t, "it does not", absent.Reason)
	require.NoError(t, c.LoadBalancer)
	assert.Equal(t, "kind-m", c.Context)
	assert.Equal(t, "/c/m/kubeconfig", c.Kubeconfig)
	assert.True(t, c.Created)
}

func TestNodeTagFollowsFromTheContent(t *testing.T) {
	assert.Equal(t, "localhost/meshgate/node:0123456789ab", nodeTag(bundle.Entry{Digest: "sha256:0123456789abcdef"}))
}

func TestStream(t *testing.T) {
	var got bytes.Buffer
	err := stream(func(w io.Writer) error { _, err := io.WriteString(w, "content"); return err },
		func(r io.Reader) error { _, err := got.ReadFrom(r); return err })
	require.NoError(t, err)
	assert.Equal(t, "content", got.String())
	engineGone, unreadable := errors.New("engine gone"), errors.New("unreadable blob")
	err = stream(func(w io.Writer) error { _, err := w.Write(make([]byte, 1<<20)); return err },
		func(io.Reader) error { return engineGone })
	require.Equal(t, engineGone, err, "a broken pipe is not worth telling")
	err = stream(func(io.Writer) error { return unreadable },
		func(r io.Reader) error { _, err := io.ReadAll(r); return err })
	require.ErrorIs(t, err, unreadable)
}

func TestLoggerSignalsSettledNodes(t *testing.T) {
	l := newLogger(progress.Discard().Begin(""))
	l.V(0).Infof(" • %s  ...\n", "Preparing nodes 📦 ")
	require.Error(t, after(expired(), l.settled))
	l.V(0).Infof(" • %s  ...\n", "Starting control-plane 🕹️")
	l.V(0).Infof(" • %s  ...\n", "Starting control-plane 🕹️")
	require.NoError(t, after(context.Background(), l.settled))
	assert.False(t, l.V(3).Enabled())
}

func expired() context.Context {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	return ctx
}

func TestLoggerNotesUnexpectedWarnings(t *testing.T) {
	n := &noted{}
	l := newLogger(n)
	l.Warn("WARNING: Overriding docker network due to KIND_EXPERIMENTAL_DOCKER_NETWORK")
	l.Warnf("cgroup v1 is deprecated in %s", "Kubernetes")
	assert.Empty(t, n.said)
	l.Warn("something odd")
	l.Errorf("failed: %d", 7)
	assert.Len(t, n.said, 2)
}

type noted struct {
	progress.Phase
	said []string
}

func (n *noted) Note(format string, _ ...any) { n.said = append(n.said, format) }

func TestSetenvRestoresTheEnvironment(t *testing.T) {
	t.Setenv("MESHGATE_TEST_HAD", "before")
	restore, err := setenv(map[string]string{"MESHGATE_TEST_HAD": "x", "MESHGATE_TEST_NEW": "y"})
	require.NoError(t, err)
	assert.Equal(t, "x", os.Getenv("MESHGATE_TEST_HAD"))
	restore()
	assert.Equal(t, "before", os.Getenv("MESHGATE_TEST_HAD"))
	_, there := os.LookupEnv("MESHGATE_TEST_NEW")
	assert.False(t, there)
}
