package ratingsdb

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

func TestPrepareRefusesForeignDocuments(t *testing.T) {
	assert.NoError(t, ours(nil))
	assert.NoError(t, ours([]any{"meshgate-1", "meshgate-2"}))
	for _, foreign := range []any{bson.NewObjectID(), "1", 7, nil, "Meshgate-1"} {
		err := ours([]any{"meshgate-1", foreign})
		assert.ErrorIs(t, err, ErrForeign)
		assert.ErrorContains(t, err, "give the run a database of its own")
	}
}

func TestErrorCodesAreRecognized(t *testing.T) {
	assert.True(t, hasCode(mongo.CommandError{Code: userExists}, userExists))
	assert.False(t, hasCode(mongo.CommandError{Code: userExists}, notImplemented))
	assert.False(t, hasCode(nil, userExists))
}
