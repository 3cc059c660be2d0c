package testbed

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"meshgate/framework/cluster"
	"meshgate/framework/progress"
)

// keeper is a provider that keeps images, and fails to remove them.
type keeper struct {
	cluster.Provider
	err error
}

func (k keeper) Purge(context.Context, progress.Log) error { return k.err }

func TestOnlyAProviderThatKeepsImagesIsPurged(t *testing.T) {
	inUse := errors.New("image is in use")
	require.ErrorIs(t, (&plan{provider: keeper{err: inUse}}).purge(t.Context(), progress.Discard()), inUse)
	require.NoError(t, (&plan{provider: fakeProvider{}}).purge(t.Context(), progress.Discard()))
}
