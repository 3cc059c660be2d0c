package nearest

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOfReturnsTheCandidateWithTheFewestEdits(t *testing.T) {
	for name, want := range map[string]string{"htp": "http", "tsl": "tls", "hosts": "hosts", "": "tls"} {
		assert.Equal(t, want, Of(name, []string{"http", "tls", "hosts"}), name)
	}
	assert.Empty(t, Of("http", nil))
}

func TestToNamesTheNearestOrSaysThatThereIsNone(t *testing.T) {
	assert.Equal(t, `the nearest there is: "status"`, To("staus", []string{"failure", "status"}))
	assert.Equal(t, "there is none", To("status", nil))
}

func TestDistanceCountsSingleCharacterEdits(t *testing.T) {
	assert.Equal(t, 0, distance("mesh", "mesh"))
	assert.Equal(t, 1, distance("mesh", "mash"))
	assert.Equal(t, 1, distance("mesh", "meshs"))
	assert.Equal(t, 3, distance("kitten", "sitting"))
	assert.Equal(t, 4, distance("", "mesh"))
}
