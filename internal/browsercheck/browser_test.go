package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/report"
	"meshgate/framework/report/render/html"
)

func TestWithoutABrowserTheCheckFails(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := run(t.Context(), nil)
	require.ErrorContains(t, err, "no browser: want one of chromium")
	require.ErrorContains(t, err, "apt-get install chromium")
	require.Error(t, run(t.Context(), []string{"--browser", "not-there"}))
	path, err := find("", func(name string) (string, error) {
		if name == "google-chrome" {
			return "/opt/chrome", nil
		}
		return "", errors.New("none")
	})
	require.NoError(t, err)
	assert.Equal(t, "/opt/chrome", path)
}

func TestAnswersAndEventsAreToldApart(t *testing.T) {
	said := `{"method":"Log.entryAdded","params":{"entry":{"text":"refused"}}}` + "\x00" +
		`{"method":"Network.requestWillBeSent","params":{"request":{"url":"https://x.test/a"}}}` + "\x00" +
		`{"method":"Network.requestWillBeSent","params":{"request":{"url":"file:///p.html"}}}` + "\x00" +
		`{"id":1,"result":{"targetId":"T"}}` + "\x00" + `{"id":2,"error":{"message":"no such thing"}}` + "\x00"
	in, err := os.Create(t.TempDir() + "/in")
	require.NoError(t, err)
	b := &browser{in: in, out: bufio.NewReader(strings.NewReader(said)), errors: bytes.NewBufferString("crashed")}
	var got struct{ TargetID string }
	require.NoError(t, b.call("Target.createTarget", nil, &got))
	assert.Equal(t, "T", got.TargetID)
	complaints := b.complaints(sheet{path: "/p.html"})
	require.Len(t, complaints, 2, "the page itself may be asked for")
	assert.Contains(t, complaints[0], "refused")
	assert.Equal(t, "asks for https://x.test/a", complaints[1])
	require.ErrorContains(t, b.call("Page.nothing", nil, nil), "Page.nothing: no such thing")
	require.ErrorContains(t, b.call("Page.enable", nil, nil), "the browser is gone: EOF: crashed")
}

func TestSamplesHaveWhatTheyAreThereFor(t *testing.T) {
	run := night(60, 12)
	c := run.Verdict.Counts
	assert.Equal(t, report.Counts{Features: 60, Passed: 40, Failed: 5, Errors: 5, Inconclusive: 5, Skipped: 5}, c)
	data, err := html.Render(run)
	require.NoError(t, err)
	assert.Less(t, len(data), 5<<20)
	outcomes := map[report.KillOutcome]bool{}
	for _, k := range matrix(20).Kills {
		outcomes[k.Outcome] = true
	}
	assert.Len(t, outcomes, 6)
}
