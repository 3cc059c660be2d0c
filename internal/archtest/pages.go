package archtest

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Page is a Markdown document: what can be linked to, and what it links to.
type Page struct {
	Headings []Heading
	Links    []Link
}

// Heading is one heading of a page. Its anchor is the one that GitHub and GitLab give it.
type Heading struct {
	Level        int
	Text, Anchor string
}

// Link is a link of a page, as it is written there.
type Link struct {
	Line   int
	Target string
}

// ReadPage finds the headings and links of a Markdown text, but for those in code.
func ReadPage(text string) Page {
	var p Page
	heading, target, code := regexp.MustCompile(`^(#{1,6}) +(.+?) *$`), regexp.MustCompile(`\]\(([^)\s]+)\)`), regexp.MustCompile("`[^`]*`")
	fenced, taken := false, map[string]int{}
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		}
		if fenced {
			continue
		}
		if h := heading.FindStringSubmatch(line); h != nil {
			p.Headings = append(p.Headings, Heading{len(h[1]), h[2], unique(anchor(h[2]), taken)})
		}
		for _, l := range target.FindAllStringSubmatch(code.ReplaceAllString(line, ""), -1) {
			p.Links = append(p.Links, Link{i + 1, l[1]})
		}
	}
	return p
}

// anchor is a heading in lower case, without punctuation, with hyphens for spaces.
func anchor(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// unique numbers anchors that were there before.
func unique(name string, taken map[string]int) string {
	n := taken[name]
	taken[name]++
	if n == 0 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, n)
}

// Follow says what is wrong with a reference from a page: a path relative to the page,
// an anchor, or both. References to other hosts are not followed.
func Follow(repo fs.FS, from, target string) error {
	name, heading, anchored := strings.Cut(target, "#")
	if strings.Contains(name, ":") {
		return nil
	}
	file := from
	if name != "" {
		file = path.Join(path.Dir(from), name)
	}
	info, err := fs.Stat(repo, file)
	if err != nil || !anchored || info.IsDir() {
		return err
	}
	text, err := fs.ReadFile(repo, file)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(ReadPage(string(text)).Headings, func(h Heading) bool { return h.Anchor == heading }) {
		return nil
	}
	return fmt.Errorf("%s has no heading #%s", file, heading)
}

// BrokenLinks follows every relative link of the pages.
func BrokenLinks(repo fs.FS, pages []string) ([]Violation, error) {
	var found []Violation
	for _, name := range pages {
		text, err := fs.ReadFile(repo, name)
		if err != nil {
			return nil, err
		}
		for _, l := range ReadPage(string(text)).Links {
			if err := Follow(repo, name, l.Target); err != nil {
				found = append(found, Violation{fmt.Sprintf("%s:%d", name, l.Line), l.Target, err.Error()})
			}
		}
	}
	return found, nil
}

// Files lists the files of the repository that end in one of these extensions. What git
// does not keep (bin, report) and what begins with a dot is left out.
func Files(repo fs.FS, extensions ...string) ([]string, error) {
	var found []string
	err := fs.WalkDir(repo, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (name == "bin" || name == "report" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case !d.IsDir() && slices.Contains(extensions, path.Ext(name)):
			found = append(found, name)
		}
		return nil
	})
	if err == nil && len(found) == 0 {
		err = errors.New("no file ends in " + strings.Join(extensions, ", "))
	}
	return found, err
}
