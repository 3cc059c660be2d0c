package hold

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// typed returns an input and a function that types a line into it.
func typed(t *testing.T) (io.Reader, func(string)) {
	t.Helper()
	in, out := io.Pipe()
	t.Cleanup(func() { _ = out.Close() })
	return in, func(s string) {
		_, err := io.WriteString(out, s)
		require.NoError(t, err)
	}
}

func TestHoldEndsOnInputLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, write := typed(t)
		h := New(in, time.Hour)
		why := h.Wait(t.Context(), func(until time.Time) {
			assert.Equal(t, time.Hour, time.Until(until))
			go write("\n")
		})
		assert.Equal(t, "released", why)
	})
}

func TestHoldIgnoresLinesTypedBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, write := typed(t)
		h := New(in, time.Hour)
		write("\n\n")
		synctest.Wait()
		assert.Equal(t, "1h0m0s have passed", h.Wait(t.Context(), func(time.Time) {}))
	})
}

func TestHoldLastsToItsLimitAfterTheEndOfInput(t *testing.T) {
	for _, in := range []io.Reader{nil, strings.NewReader(""), strings.NewReader("no line")} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			h := New(in, time.Minute)
			assert.Equal(t, "1m0s have passed", h.Wait(t.Context(), func(time.Time) {}))
			assert.Equal(t, time.Minute, time.Since(began))
		})
	}
}

func TestHoldTreatsALongLineAsOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, write := typed(t)
		h := New(in, time.Hour)
		assert.Equal(t, "released", h.Wait(t.Context(), func(time.Time) { go write(strings.Repeat("x", 100_000) + "\n") }))
	})
}

func TestHoldEndsWithTheCauseOfItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		h := New(nil, time.Hour)
		assert.Equal(t, "interrupted", h.Wait(ctx, func(time.Time) { cancel(errors.New("interrupted")) }))
	})
}

func TestTakeIsTrueOnlyOnce(t *testing.T) {
	h := New(nil, time.Hour)
	assert.True(t, h.Take())
	assert.False(t, h.Take())
}
