package mesh

import (
	"context"
	"strings"
	"testing"
	"time"

	"meshgate/framework/wait"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const briefly = 300 * time.Millisecond

func TestKnownMarksWhenIstiodHasTheChange(t *testing.T) {
	i := newIstiod(t)
	i.configz, i.pushes = listing, 7
	c, _ := consoleOf(t, map[string]*istiod{"istiod-1": i})
	c.current = func(context.Context, Wanted) ([]object, error) {
		return []object{{"VirtualService", "shop", "api", ""}}, nil
	}
	_, err := c.Known(t.Context(), briefly, Wanted{})
	require.ErrorIs(t, err, wait.ErrExpired)
	assert.ErrorContains(t, err, "VirtualService shop/api: want it deleted, but istiod still has it")

	i.configz = "[]"
	mark, err := c.Known(t.Context(), time.Second, Wanted{})
	require.NoError(t, err)
	assert.Equal(t, Mark{7}, mark)
}

func TestKnownWaitsForAJustStartedIstiod(t *testing.T) {
	i := newIstiod(t)
	i.pushes = none
	c, _ := consoleOf(t, map[string]*istiod{"istiod-1": i})
	c.current = func(context.Context, Wanted) ([]object, error) { return nil, nil }
	_, err := c.Known(t.Context(), briefly, Wanted{})
	require.ErrorIs(t, err, wait.ErrExpired)
	assert.ErrorContains(t, err, "pilot_pushcontext_init_seconds_count: want this counter")

	ask := c.istiods
	c.istiods = func(ctx context.Context) ([]string, error) {
		defer func() { i.pushes = 1 }() // by the next look
		return ask(ctx)
	}
	mark, err := c.Known(t.Context(), 5*time.Second, Wanted{})
	require.NoError(t, err)
	assert.Equal(t, Mark{1}, mark)
}

// moving is an istiod in whose mesh something moves at every look.
func moving(t *testing.T, syncz string, pushes int) (*istiod, *Console) {
	i := newIstiod(t)
	i.syncz, i.pushes = syncz, pushes
	c, _ := consoleOf(t, map[string]*istiod{"istiod-1": i})
	ask := c.istiods
	c.istiods = func(ctx context.Context) ([]string, error) { i.updates++; return ask(ctx) }
	return i, c
}

func TestAwaitPushedAcceptsTwoPushesSinceTheMark(t *testing.T) {
	_, c := moving(t, synced, 9)
	require.NoError(t, c.AwaitPushed(t.Context(), briefly, Mark{7}, nil))
	err := c.AwaitPushed(t.Context(), briefly, Mark{8}, nil)
	require.ErrorIs(t, err, wait.ErrExpired, "one push may have begun before")
	assert.ErrorContains(t, err, "want no change for")
}

func TestAwaitPushedAcceptsAQuietMesh(t *testing.T) {
	i := newIstiod(t)
	i.syncz, i.pushes = synced, 7
	c, _ := consoleOf(t, map[string]*istiod{"istiod-1": i})
	require.NoError(t, c.AwaitPushed(t.Context(), 5*time.Second, Mark{7}, nil))
}

func TestAwaitPushedAcceptsAcknowledgementsAtDifferentTimes(t *testing.T) {
	i, c := moving(t, synced, 9)
	looks, ask := 0, c.istiods
	c.istiods = func(ctx context.Context) ([]string, error) {
		// Of two proxies always one has not acknowledged the latest.
		looks++
		late, other := "a-1.shop", "b-1.bank"
		if looks > 4 {
			late, other = other, late
		}
		i.syncz = strings.Replace(stale, "b-1.bank", late, 1)[:len(stale)-1] + "," + strings.Replace(synced, "a-1.shop", other, 1)[1:]
		return ask(ctx)
	}
	require.NoError(t, c.AwaitPushed(t.Context(), 5*time.Second, Mark{7}, nil))
}

func TestAwaitPushedErrorNamesAProxyThatNeverAcknowledges(t *testing.T) {
	_, c := moving(t, stale, 9)
	require.ErrorContains(t, c.AwaitPushed(t.Context(), briefly, Mark{7}, nil), "proxy bank/b-1: want SYNCED, got LDS STALE")
	require.NoError(t, c.AwaitPushed(t.Context(), briefly, Mark{7}, In("shop")), "others' proxies do not matter")
}

func TestAwaitPushedCountsFromZeroAfterARestart(t *testing.T) {
	_, c := moving(t, synced, 2)
	require.NoError(t, c.AwaitPushed(t.Context(), briefly, Mark{700}, nil))
}
