package wait

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThroughoutSamplesTheWholeWindowAndItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		out, err := Throughout(t.Context(), Deadline{Name: "stays blocked", Within: 5 * time.Second}, 2*time.Second, 5*time.Second, script("+", &at))
		require.NoError(t, err)
		assert.Equal(t, []time.Duration{0, 2 * time.Second, 4 * time.Second, 5 * time.Second}, at)
		assert.Equal(t, 4, out.Attempts)
		assert.Equal(t, 5*time.Second, out.Took)
	})
}

func TestThroughoutEndsAtTheFirstFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		_, err := Throughout(t.Context(), Deadline{Name: "stays blocked", Within: 10 * time.Second}, time.Second, 5*time.Second, script("+++-+", &at))
		require.ErrorIs(t, err, ErrBroken)
		require.ErrorIs(t, err, errNotYet)
		assert.EqualError(t, err, "stays blocked: did not hold: 4 attempts in 3s of 10s: last: attempt 4: 1 of 3 proxies SYNCED")
	})
}

func TestThroughoutSeesAFailureInTheLastSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := Throughout(t.Context(), Deadline{Name: "stays blocked", Within: 5 * time.Second}, 2*time.Second, 5*time.Second, func(context.Context) error {
			if time.Since(start) >= 5*time.Second {
				return errNotYet
			}
			return nil
		})
		require.ErrorIs(t, err, ErrBroken)
	})
}

func TestThroughoutTreatsAHangingSampleAsFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		out, err := Throughout(t.Context(), Deadline{Name: "keeps answering", Within: 5 * time.Second}, time.Second, 5*time.Second, func(ctx context.Context) error {
			if n++; n < 3 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		require.ErrorIs(t, err, ErrBroken)
		assert.True(t, out.CutShort)
		assert.Equal(t, 7*time.Second, out.Took)
	})
}

// A slow machine is not a broken promise.
func TestThroughoutAllowsASampleLongerThanTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, err := Throughout(t.Context(), Deadline{Name: "stays blocked", Within: 3 * time.Second}, time.Second, 10*time.Second, func(ctx context.Context) error {
			return pause(ctx, 4*time.Second)
		})
		require.NoError(t, err)
		assert.Equal(t, 2, out.Attempts, "at once, and at the end")
	})
}

func TestThroughoutFailsWhenTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(1500*time.Millisecond, func() { cancel(why) })
		_, err := Throughout(ctx, Deadline{Name: "stays blocked", Within: 5 * time.Second}, time.Second, 5*time.Second, func(context.Context) error { return nil })
		require.ErrorIs(t, err, why)
		require.NotErrorIs(t, err, ErrBroken)
	})
}

func TestBudgetScalesAsAWhole(t *testing.T) {
	b := DefaultBudget().Scale(2)
	assert.Equal(t, time.Minute, b.Programmed)
	assert.Equal(t, DefaultBudget(), b.Scale(0.5))
	assert.GreaterOrEqual(t, DefaultBudget().LogFlush, 2*time.Second, "Envoy writes its log once a second")
	assert.Equal(t, "gateway programmed within 30s", Deadline{Name: "gateway programmed", Within: 30 * time.Second}.String())
}
