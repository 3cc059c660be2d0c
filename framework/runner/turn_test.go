package runner

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAFeatureWaitsForItsTurn(t *testing.T) {
	s := &suiteRun{turns: make(chan struct{}, 1)}
	done, err := s.turn(t.Context())
	require.NoError(t, err)

	why := errors.New("interrupted")
	ended, end := context.WithCancelCause(t.Context())
	end(why)
	_, err = s.turn(ended)
	require.ErrorIs(t, err, why, "the only turn is taken")

	done()
	_, err = s.turn(t.Context())
	require.NoError(t, err, "the one before has ended")
}

func TestTheSuitesShareTheTurns(t *testing.T) {
	all := perProcessor * runtime.NumCPU()
	assert.Equal(t, all, atOnce(1))
	assert.Equal(t, 1, atOnce(all))
	assert.Equal(t, 1, atOnce(all+1), "each suite goes on")
	for n := 1; n <= all; n++ {
		assert.GreaterOrEqual(t, n*atOnce(n), all)
	}
}
