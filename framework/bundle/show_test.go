package bundle

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/progress"
)

func TestShowCommands(t *testing.T) {
	source := builder()
	source.contains, source.spare = "upstream Envoy 1.40.0 instead of Istio's build", map[string]string{"calico": "not with this node"}
	b := filled(t, source, "node", "istio-1.31")
	e, err := b.Entry("docker.io/istio/proxyv2:1.31.1")
	require.NoError(t, err)
	rows := []string{
		e.Name, e.Digest[len("sha256:"):][:12], "9.", " kB", "istio-1.31", "charts/istio-1.31/istiod",
		"docker.io/istio/proxyv2:1.31.1 contains upstream Envoy 1.40.0 instead of Istio's build",
		"calico is not needed: not with this node",
	}
	file, dir := filepath.Join(t.TempDir(), "b.tar.zst"), filepath.Join(t.TempDir(), "other")
	log := progress.Discard()
	calls := []struct {
		says string
		do   func(*bytes.Buffer) error
	}{
		{"bundle " + b.Dir(), func(w *bytes.Buffer) error { return ShowList(w, b.Dir()) }},
		{"saved to " + file, func(w *bytes.Buffer) error { return ShowSave(t.Context(), w, b.Dir(), file, log) }},
		{"loaded from " + file, func(w *bytes.Buffer) error { return ShowLoad(t.Context(), w, file, dir, log) }},
		{"bundle " + dir, func(w *bytes.Buffer) error { return ShowList(w, dir) }},
	}
	for _, c := range calls {
		var out bytes.Buffer
		require.NoError(t, c.do(&out), c.says)
		for _, want := range append(rows, c.says) {
			assert.Contains(t, out.String(), want)
		}
	}
	t.Log(func() string { var w bytes.Buffer; _ = ShowList(&w, dir); return w.String() }())
	var out bytes.Buffer
	require.NoError(t, ShowVerify(t.Context(), &out, dir, log))
	assert.Contains(t, out.String(), "all digests of 6 artefacts are right")
	require.ErrorIs(t, ShowList(&out, filepath.Join(dir, "none")), ErrNoBundle)
	flip(t, blobPathOf(t, b, e.Name, 1), 1)
	assert.ErrorIs(t, ShowVerify(t.Context(), &out, b.Dir(), log), ErrCorrupt)
}

func TestSizesAsPeopleReadThem(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 63_200_000: "63.2 MB", 1_500_000_000: "1.5 GB"} {
		assert.Equal(t, want, bytesText(n))
	}
}
