package productpage

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// element says how to know an element: its tag, and a class or another attribute.
type element struct{ tag, attr, value string }

func (e element) matches(n *html.Node) bool {
	switch {
	case n.Data != e.tag:
		return false
	case e.attr == "class":
		return hasClass(n, e.value)
	}
	return e.attr == "" || attr(n, e.attr) == e.value
}

// dialect is how one page writes a review.
type dialect struct {
	review      element
	reviewer    element // inside the review, exactly once
	full, empty element
	color       func(stars *html.Node) string
}

// dialects are ours, upstream's of today and upstream's before (a page of
// Bootstrap's). The first whose reviews are on the page is the page's.
func dialects() []dialect {
	return []dialect{
		{element{"article", "class", "review"}, element{"cite", "class", "reviewer"},
			element{"span", "class", "star-full"}, element{"span", "class", "star-empty"},
			func(n *html.Node) string { return attr(n, "data-color") }},
		{element{"section", "", ""}, element{"div", "class", "font-semibold"},
			element{"svg", "fill", "currentColor"}, element{"svg", "fill", "none"}, textClassColor},
		{element{"blockquote", "", ""}, element{"small", "", ""},
			element{"span", "class", "glyphicon-star"}, element{"span", "class", "glyphicon-star-empty"},
			func(n *html.Node) string { return attr(n, "color") }},
	}
}

// textClassColor takes "red" from the class "text-red-500".
func textClassColor(n *html.Node) string {
	for c := range strings.FieldsSeq(attr(n, "class")) {
		if name, ok := strings.CutPrefix(c, "text-"); ok {
			return strings.TrimSuffix(name, "-500")
		}
	}
	return ""
}

// reviews finds the reviews and the dialect that they are written in.
func reviews(root *html.Node) ([]*html.Node, dialect) {
	for _, d := range dialects() {
		if found := all(root, d.review.matches); len(found) > 0 {
			return found, d
		}
	}
	return nil, dialect{}
}

func (d dialect) read(n *html.Node) (Review, error) {
	names := all(n, d.reviewer.matches)
	if len(names) != 1 {
		return Review{}, fmt.Errorf("want one reviewer's name, got %d", len(names))
	}
	r := Review{Reviewer: text(names[0])}
	full, empty := all(n, d.full.matches), all(n, d.empty.matches)
	stars := append(full, empty...)
	if len(stars) == 0 {
		return r, nil
	}
	if len(stars) != MaxStars {
		return Review{}, fmt.Errorf("%s: want %d stars full and empty, got %d", r.Reviewer, MaxStars, len(stars))
	}
	r.Rated, r.Stars, r.Color = true, len(full), d.color(stars[0].Parent)
	if r.Color == "" {
		return Review{}, fmt.Errorf("%s: the stars have no colour", r.Reviewer)
	}
	return r, nil
}

// isError knows the class of ours, and the colour and words of upstream's.
func isError(n *html.Node) bool {
	switch n.Data {
	case "p":
		return hasClass(n, "error") || hasClass(n, "text-red-500")
	case "h4", "i":
		words := strings.ToLower(text(n))
		return strings.Contains(words, "error fetching") || strings.Contains(words, "unavailable")
	}
	return false
}

// all finds the outermost elements that match.
func all(n *html.Node, match func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode && match(c) {
			found = append(found, c)
			continue
		}
		found = append(found, all(c, match)...)
	}
	return found
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func hasClass(n *html.Node, class string) bool {
	return slices.Contains(strings.Fields(attr(n, "class")), class)
}
