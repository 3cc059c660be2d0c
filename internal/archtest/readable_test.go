package archtest

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUnreadableFindsReferencesToDocumentsThatAreNotHere(t *testing.T) {
	repo := fstest.MapFS{
		"a.go":   {Data: []byte("// fine: docs/spec/basic-gateway.md#cors, seeds a database\n// the story of se" + "ed 004\n")},
		"b.md":   {Data: []byte("see sp" + "ec.md#basic-gateway\n\nby conven" + "tion 11")},
		"c.yaml": {Data: []byte("# Se" + "eds 000 and 001\n")},
	}
	found, err := Unreadable(repo, []string{"a.go", "b.md", "c.yaml"})
	require.NoError(t, err)
	var where []string
	for _, v := range found {
		where = append(where, v.Where)
	}
	assert.Equal(t, []string{"a.go:2", "b.md:1", "b.md:3", "c.yaml:1"}, where)
	_, err = Unreadable(repo, []string{"none.go"})
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

func TestNothingRefersToADocumentThatAReaderDoesNotHave(t *testing.T) {
	repo := repository(t)
	files, err := Files(repo, ".go", ".md", ".yaml", ".yml", ".json", ".sh")
	require.NoError(t, err)
	found, err := Unreadable(repo, files)
	require.NoError(t, err)
	for _, v := range found {
		t.Error(v)
	}
}
