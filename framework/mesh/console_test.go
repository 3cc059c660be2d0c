package mesh

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"meshgate/framework/wait"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// none is for a counter that an istiod has not begun yet.
const none = -1

// istiod is a debug interface over real HTTP; its answers can be changed.
type istiod struct {
	*httptest.Server
	syncz, configz  string
	updates, pushes int
	asked           atomic.Int32
}

func newIstiod(t *testing.T) *istiod {
	i := &istiod{syncz: "[]", configz: "[]"}
	mux := http.NewServeMux()
	say := func(text func() string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { i.asked.Add(1); fmt.Fprint(w, text()) }
	}
	mux.HandleFunc("/debug/syncz", say(func() string { return i.syncz }))
	mux.HandleFunc("/debug/configz", say(func() string { return i.configz }))
	mux.HandleFunc("/metrics", say(func() string {
		text := fmt.Sprintf("# TYPE pilot_inbound_updates counter\npilot_inbound_updates{type=\"config\"} %d\npilot_inbound_updates{type=\"eds\"} 2\n", i.updates)
		if i.pushes == none {
			return text
		}
		return text + fmt.Sprintf("pilot_pushcontext_init_seconds_count %d\n", i.pushes)
	}))
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

// consoleOf is a Console whose istiods are these, by pod name.
func consoleOf(t *testing.T, pods map[string]*istiod) (*Console, *int) {
	connections := 0
	c := &Console{
		istiods: func(context.Context) ([]string, error) {
			var names []string
			for n := range pods {
				names = append(names, n)
			}
			return names, nil
		},
		connect: func(_ context.Context, pod string) (string, func(), error) {
			connections++
			return pods[pod].URL, func() {}, nil
		},
		current: func(context.Context, Wanted) ([]object, error) { return nil, nil },
		http:    &http.Client{},
		now:     time.Now,
		lines:   map[string]line{},
		coming:  map[string]*question{},
	}
	t.Cleanup(c.Close)
	return c, &connections
}

const synced = `[{"proxy":"a-1.shop","istio_version":"1.31.1","cluster_sent":"n1","cluster_acked":"n1","listener_sent":"n2","listener_acked":"n2"}]`
const stale = `[{"proxy":"b-1.bank","istio_version":"1.31.1","cluster_sent":"n1","cluster_acked":"n1","listener_sent":"n3","listener_acked":"n2"}]`

func TestConsoleAsksEveryIstiodOverOneConnectionEach(t *testing.T) {
	one, two := newIstiod(t), newIstiod(t)
	one.syncz, two.syncz = synced, stale
	c, connections := consoleOf(t, map[string]*istiod{"istiod-1": one, "istiod-2": two})
	for range 3 {
		got, err := c.Syncz(t.Context())
		require.NoError(t, err)
		assert.Len(t, got, 2)
	}
	assert.Equal(t, 2, *connections)
}

func TestConsoleReconnectsWhenAnIstiodWasReplaced(t *testing.T) {
	pods := map[string]*istiod{"istiod-1": newIstiod(t)}
	c, connections := consoleOf(t, pods)
	_, err := c.Syncz(t.Context())
	require.NoError(t, err)

	pods["istiod-1"].Close()
	pods["istiod-1"] = newIstiod(t)
	pods["istiod-1"].syncz = synced
	got, err := c.Syncz(t.Context())
	require.NoError(t, err)
	assert.Len(t, got, 1)
	assert.Equal(t, 2, *connections)
}

func TestConsoleSharesAResponseAmongEarlierCallers(t *testing.T) {
	i := newIstiod(t)
	i.syncz = synced
	c, _ := consoleOf(t, map[string]*istiod{"istiod-1": i})
	c.asking.Lock() // another question is under way
	var all errgroup.Group
	for range 20 {
		all.Go(func() error { _, err := c.Syncz(t.Context()); return err })
	}
	require.Eventually(t, func() bool { return i.asked.Load() == 0 && waiting(c, "/debug/syncz") }, time.Second, time.Millisecond)
	gone, leave := context.WithCancel(t.Context())
	leave()
	_, err := c.Syncz(gone)
	require.ErrorIs(t, err, context.Canceled, "one that cannot wait does not spoil it for the others")
	c.asking.Unlock()
	require.NoError(t, all.Wait())
	assert.LessOrEqual(t, i.asked.Load(), int32(2), "those that came late share another")
	before := i.asked.Load()
	_, err = c.Syncz(t.Context())
	require.NoError(t, err)
	assert.Equal(t, before+1, i.asked.Load(), "an answer from before is none")
}

func waiting(c *Console, path string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.coming[path] != nil
}

func TestConsoleForgetsIstiodsThatAreGone(t *testing.T) {
	pods := map[string]*istiod{"istiod-1": newIstiod(t)}
	c, _ := consoleOf(t, pods)
	_, err := c.Syncz(t.Context())
	require.NoError(t, err)
	delete(pods, "istiod-1")
	pods["istiod-2"] = newIstiod(t)
	_, err = c.Syncz(t.Context())
	require.NoError(t, err)
	assert.Len(t, c.lines, 1)
	assert.Contains(t, c.lines, "istiod-2")
}

func TestConsoleErrorNamesIstiodAndPath(t *testing.T) {
	c, connections := consoleOf(t, map[string]*istiod{"istiod-1": newIstiod(t)})
	_, err := c.Get(t.Context(), "/debug/nothing")
	assert.ErrorContains(t, err, "istiod istiod-1: /debug/nothing: answered with status 404, want 200")
	assert.Equal(t, 1, *connections)
}

func TestConsoleFailsWithoutIstiod(t *testing.T) {
	c, _ := consoleOf(t, nil)
	c.istiods = func(context.Context) ([]string, error) { return nil, errors.New("no istiod") }
	_, err := c.Syncz(t.Context())
	assert.EqualError(t, err, "no istiod")
}

const listing = `[{"kind":"VirtualService","metadata":{"name":"api","namespace":"shop","resourceVersion":"7"}}]`

// clock makes the console's time pass by hand.
func clock(c *Console) *time.Time {
	now := time.Unix(0, 0)
	c.now = func() time.Time { return now }
	return &now
}

func TestProgrammedRequiresSeenThenSyncedThenQuiet(t *testing.T) {
	i := newIstiod(t)
	i.syncz = stale
	c, _ := consoleOf(t, map[string]*istiod{"istiod-1": i})
	c.current = func(context.Context, Wanted) ([]object, error) {
		return []object{{"VirtualService", "shop", "api", "8"}}, nil
	}
	now := clock(c)
	ch := c.Change(Wanted{})
	look := func() error { return ch.Programmed(t.Context()) }

	assert.ErrorContains(t, look(), "istiod istiod-1: VirtualService shop/api: not seen yet")
	i.configz = listing
	assert.ErrorContains(t, look(), "resource version: want 8, got 7")
	i.configz = `[{"kind":"VirtualService","metadata":{"name":"api","namespace":"shop","resourceVersion":"10"}}]` // a status was written
	assert.EqualError(t, look(), "proxy bank/b-1: want SYNCED, got LDS STALE")
	i.syncz = synced
	assert.ErrorContains(t, look(), "want no change for 250ms")
	*now = now.Add(quietFor)
	assert.NoError(t, look())
}

// Whatever moves starts the quiet time anew.
func TestProgrammedIsQuietOnlyWhenNothingMoves(t *testing.T) {
	for what, move := range map[string]func(*istiod){
		"an event": func(i *istiod) { i.updates++ },
		"a round":  func(i *istiod) { i.syncz = strings.ReplaceAll(synced, "n2", "n3") },
		"a proxy":  func(i *istiod) { i.syncz = "[]" },
	} {
		i := newIstiod(t)
		i.syncz = synced
		c, _ := consoleOf(t, map[string]*istiod{"istiod-1": i})
		now := clock(c)
		ch := c.Change(Wanted{})
		require.Error(t, ch.Programmed(t.Context()))
		*now = now.Add(quietFor - time.Millisecond)
		move(i)
		require.Error(t, ch.Programmed(t.Context()), what)
		*now = now.Add(quietFor - time.Millisecond)
		assert.Error(t, ch.Programmed(t.Context()), what)
		*now = now.Add(time.Millisecond)
		assert.NoError(t, ch.Programmed(t.Context()), what)
	}
}

func TestProgrammedRestartsTheQuietTimeAfterAFailure(t *testing.T) {
	i := newIstiod(t)
	i.syncz = synced
	c, _ := consoleOf(t, map[string]*istiod{"istiod-1": i})
	now := clock(c)
	ch := c.Change(Wanted{Of: In("shop", "bank")})
	require.Error(t, ch.Programmed(t.Context()))
	i.syncz = stale
	*now = now.Add(quietFor)
	require.Error(t, ch.Programmed(t.Context()))
	i.syncz = synced
	assert.Error(t, ch.Programmed(t.Context()))
}

func TestProgrammedIgnoresUnselectedProxies(t *testing.T) {
	i := newIstiod(t)
	i.syncz = stale
	c, _ := consoleOf(t, map[string]*istiod{"istiod-1": i})
	now := clock(c)
	ch := c.Change(Wanted{Of: In("shop")})
	require.Error(t, ch.Programmed(t.Context()))
	*now = now.Add(quietFor)
	assert.NoError(t, ch.Programmed(t.Context()))
}

func TestChangesOnOneConsoleAreIndependent(t *testing.T) {
	i := newIstiod(t)
	i.syncz = synced
	c, _ := consoleOf(t, map[string]*istiod{"istiod-1": i})
	now := clock(c)
	require.Error(t, c.Change(Wanted{}).Programmed(t.Context()))
	*now = now.Add(time.Hour)
	assert.ErrorContains(t, c.Change(Wanted{}).Programmed(t.Context()), "want no change for",
		"the event of a new change may come after its object is listed")
}

func TestProgrammedWaitsForDeletedObjects(t *testing.T) {
	i := newIstiod(t)
	i.configz = listing
	c, _ := consoleOf(t, map[string]*istiod{"istiod-1": i})
	c.current = func(context.Context, Wanted) ([]object, error) {
		return []object{{"VirtualService", "shop", "api", ""}}, nil
	}
	ch := c.Change(Wanted{})
	assert.ErrorContains(t, ch.Programmed(t.Context()), "VirtualService shop/api: want it deleted, but istiod still has it")
	i.configz = "[]"
	assert.ErrorContains(t, ch.Programmed(t.Context()), "want no change for")
}

func TestAwaitProgrammedReturnsTheDuration(t *testing.T) {
	i := newIstiod(t)
	i.syncz = synced
	c, _ := consoleOf(t, map[string]*istiod{"istiod-1": i})
	out, err := c.AwaitProgrammed(t.Context(), 5*time.Second, Wanted{})
	require.NoError(t, err)
	assert.GreaterOrEqual(t, out.Took, quietFor)

	i.syncz = stale
	_, err = c.AwaitProgrammed(t.Context(), 600*time.Millisecond, Wanted{})
	require.ErrorIs(t, err, wait.ErrExpired)
	assert.ErrorContains(t, err, "configuration on every proxy")
	assert.ErrorContains(t, err, "LDS STALE")
}

func TestAllSyncedCanBeLimitedToNamespaces(t *testing.T) {
	good, err := ParseSyncz("istiod-1", []byte(synced))
	require.NoError(t, err)
	bad, err := ParseSyncz("istiod-1", []byte(stale))
	require.NoError(t, err)
	all := append(good, bad...)
	assert.Error(t, AllSynced(all))
	assert.Error(t, AllSynced(Among(all, In("bank"))))
	assert.NoError(t, AllSynced(Among(all, In("shop"))))
}

func TestInboundUpdatesReadsARealExposition(t *testing.T) {
	for _, version := range []string{"1.31", "1.22"} {
		body, err := os.ReadFile("testdata/metrics-" + version + ".txt")
		require.NoError(t, err)
		n, err := inboundUpdates(body)
		require.NoError(t, err, version)
		assert.Positive(t, n, version)
	}
	_, err := inboundUpdates([]byte("pilot_other 3\n"))
	assert.ErrorContains(t, err, "pilot_inbound_updates: want this counter")
	_, err = inboundUpdates([]byte("pilot_inbound_updates{type=\"eds\"} many\n"))
	assert.ErrorContains(t, err, "want a number")
}

func TestParseErrorsQuoteTheResponse(t *testing.T) {
	_, err := ParseSyncz("istiod-1", []byte("<html>"))
	assert.ErrorContains(t, err, `syncz of istiod-1: want a JSON list of proxies`)
	assert.ErrorContains(t, err, `"<html>"`)
	_, err = ParseSyncz("istiod-1", []byte(`[{"proxy":"nodot"}]`))
	assert.ErrorContains(t, err, `want pod.namespace, got "nodot"`)
	_, err = parseConfigz([]byte("{}"))
	assert.ErrorContains(t, err, "want a JSON list of objects")
}
