package archtest

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"testing"
	"testing/fstest"

	"meshgate/framework/runner"
	"meshgate/framework/suite"
	"meshgate/suites"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadPageFindsHeadingsAndLinksOutsideOfCode(t *testing.T) {
	p := ReadPage("# One Two's\n\nSee [a](b.md#c) and `[no](code)`, [d](https://example.com).\n```\n# comment\n[no](fence)\n```\n## One Twos\n")
	assert.Equal(t, []Heading{{1, "One Two's", "one-twos"}, {2, "One Twos", "one-twos-1"}}, p.Headings)
	assert.Equal(t, []Link{{3, "b.md#c"}, {3, "https://example.com"}}, p.Links)
}

func TestBrokenLinksNamesMissingFilesAndAnchors(t *testing.T) {
	repo := fstest.MapFS{
		"docs/a.md": {Data: []byte("# Here\n[self](#here) [file](b.md) [folder](../docs) [anchor](b.md#there) [far](https://example.com/x#y)\n[lost](c.md)\n[moved](b.md#gone)\n[out](../../b.md)")},
		"docs/b.md": {Data: []byte("# There")},
	}
	found, err := BrokenLinks(repo, []string{"docs/a.md"})
	require.NoError(t, err)
	var where []string
	for _, v := range found {
		where = append(where, v.Where+" "+v.What)
	}
	assert.Equal(t, []string{"docs/a.md:3 c.md", "docs/a.md:4 b.md#gone", "docs/a.md:5 ../../b.md"}, where)
	_, err = BrokenLinks(repo, []string{"docs/none.md"})
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

func TestFilesLeavesOutWhatGitDoesNotKeep(t *testing.T) {
	repo := fstest.MapFS{"a.go": {}, "b.md": {}, "c.txt": {}, "bin/d.go": {}, "report/e.md": {}, ".git/f.go": {}, "framework/report/g.go": {}}
	found, err := Files(repo, ".go", ".md")
	require.NoError(t, err)
	assert.Equal(t, []string{"a.go", "b.md", "framework/report/g.go"}, found)
	_, err = Files(repo, ".none")
	assert.ErrorContains(t, err, ".none")
}

func repository(t *testing.T) fs.FS {
	t.Helper()
	return os.DirFS(theTree(t).root)
}

func TestEveryLinkInThePagesLeadsSomewhere(t *testing.T) {
	repo := repository(t)
	pages, err := Files(repo, ".md")
	require.NoError(t, err)
	found, err := BrokenLinks(repo, pages)
	require.NoError(t, err)
	for _, v := range found {
		t.Error(v)
	}
}

func TestEveryFeatureIsDescribedWhereItsReferenceLeads(t *testing.T) {
	repo := repository(t)
	for _, s := range suites.All() {
		for _, f := range s.Features {
			assert.Equal(t, specification(s), f.Spec, s.Name+"/"+f.Name)
			assert.NoError(t, Follow(repo, "README.md", runner.Reference(f)), s.Name+"/"+f.Name)
		}
	}
}

func TestEverySectionOfTheSpecificationIsAFeature(t *testing.T) {
	repo := repository(t)
	pages := []string{"docs/spec/README.md"}
	index, err := fs.ReadFile(repo, pages[0])
	require.NoError(t, err)
	for _, s := range suites.All() {
		assert.Contains(t, string(index), "]("+s.Name+".md)", "the index names every suite")
		text, err := fs.ReadFile(repo, specification(s))
		require.NoError(t, err)
		pages = append(pages, specification(s))
		var described, features []string
		for _, h := range ReadPage(string(text)).Headings[1:] {
			described = append(described, h.Text)
		}
		for _, f := range s.Features {
			features = append(features, f.Name)
		}
		assert.Equal(t, features, described, "headings of %s: the features of the suite, in their order", specification(s))
	}
	all, err := fs.Glob(repo, "docs/spec/*")
	require.NoError(t, err)
	slices.Sort(pages)
	assert.Equal(t, pages, all, "a page of the specification for each suite, and an index")
}

// specification is the page of a suite.
func specification(s suite.Suite) string { return path.Join("docs/spec", s.Name+".md") }
