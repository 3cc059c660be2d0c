package archtest

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// unreadable are references to documents that are not in the repository. The words are
// written in two parts, or they would find themselves.
func unreadable() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(se` + `eds? [0-9]{3}|sp` + `ec\.md\b|conven` + `tions? [0-9]+)`)
}

// Unreadable finds references to documents that a reader does not have.
func Unreadable(repo fs.FS, files []string) ([]Violation, error) {
	const why = "a reader has the repository alone: give the reason itself, or name a section of docs/spec"
	var found []Violation
	words := unreadable()
	for _, name := range files {
		text, err := fs.ReadFile(repo, name)
		if err != nil {
			return nil, err
		}
		for i, line := range strings.Split(string(text), "\n") {
			if what := words.FindString(line); what != "" {
				found = append(found, Violation{fmt.Sprintf("%s:%d", name, i+1), what, why})
			}
		}
	}
	return found, nil
}
