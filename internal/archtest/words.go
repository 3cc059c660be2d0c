package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"strings"
)

// wordScope is where retired words are refused: packages, in the patterns of ImportRule,
// and pages, as globs relative to the module's root. A page that explains the retired
// words, such as docs/glossary.md, stands in exempt.
type wordScope struct {
	packages, pages, exempt []string
}

// retiredWordScope is the whole tree.
func retiredWordScope() wordScope {
	return wordScope{packages: []string{"./..."}, pages: []string{"docs/*.md", "docs/spec/*.md", "README.md", "CONTRIBUTING.md"}, exempt: []string{"docs/glossary.md"}}
}

const retiredWordsWhy = "a new engineer knows the words of Kubernetes, Istio, Envoy and e2e-framework, and not a private vocabulary: docs/glossary.md has the word to use"

// retiredWord matches a whole word of the project's former private vocabulary.
var retiredWord = regexp.MustCompile(`^(?:` + strings.Join([]string{
	"meddle[sd]?", "deeds?", "besides", "bequeath(?:s|ed)?", "withdrawn", "untrue", "inflict(?:s|ed)?", "patients?",
	"astray", "uninvited", "treat", "mend(?:s|ed|ing)?", "surroundings", "lanes?", "scenes?",
}, "|") + `)$`)

// wordIn splits a text into words; a name in camel case is split into its parts.
var wordIn = regexp.MustCompile(`\p{Lu}?\p{Ll}+|\p{Lu}+`)

// retiredIn returns the retired words of a text, in order.
func retiredIn(text string) []string {
	var found []string
	for _, word := range wordIn.FindAllString(text, -1) {
		if retiredWord.MatchString(strings.ToLower(word)) {
			found = append(found, word)
		}
	}
	return found
}

// retiredWords finds retired words in names that the package declares or uses, in string
// literals and in comments. Generated files are not checked.
func retiredWords(s Sources) []Finding {
	var found []Finding
	add := func(pos token.Pos, text string) {
		for _, word := range retiredIn(text) {
			found = append(found, Finding{pos, fmt.Sprintf("retired word %q", word)})
		}
	}
	for _, file := range s.Files {
		if ast.IsGenerated(file) {
			continue
		}
		for _, group := range file.Comments {
			for _, c := range group.List {
				add(c.Pos(), c.Text)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.Ident:
				add(n.Pos(), n.Name)
			case *ast.BasicLit:
				if n.Kind == token.STRING {
					add(n.Pos(), n.Value)
				}
			}
			return true
		})
	}
	return found
}

// retiredOn returns the violations of one page, by line.
func retiredOn(page, text string) []Violation {
	var found []Violation
	for i, line := range strings.Split(text, "\n") {
		for _, word := range retiredIn(line) {
			found = append(found, Violation{fmt.Sprintf("%s:%d", page, i+1), fmt.Sprintf("retired word %q", word), retiredWordsWhy})
		}
	}
	return found
}

// dependentStart matches the beginning of a step name that needs the step before it.
var dependentStart = regexp.MustCompile(`(?i)^(and|then|it|but|because|when|nor)\b`)

// standsAlone returns an error for the name of a step that cannot be read alone.
func standsAlone(feature, step string) error {
	word := dependentStart.FindString(step)
	if word == "" {
		return nil
	}
	return fmt.Errorf("%s: step %q begins with %q: name its subject, because JUnit, `meshgate run --assess` and the kill matrix show a step name without the step before it", feature, step, word)
}
