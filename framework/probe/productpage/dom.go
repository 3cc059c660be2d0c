package productpage

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

func isReview(n *html.Node) bool {
	switch n.Data {
	case "article":
		return hasClass(n, "review")
	case "section": // upstream today: the only sections of the page
		return len(all(n, isElement("blockquote"))) > 0
	case "blockquote": // upstream before: the reviewer stands inside
		return len(all(n, isElement("small"))) > 0
	}
	return false
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

func isReviewer(n *html.Node) bool {
	switch n.Data {
	case "cite":
		return hasClass(n, "reviewer")
	case "div":
		return hasClass(n, "font-semibold")
	}
	return n.Data == "small"
}

func isFullStar(n *html.Node) bool {
	switch n.Data {
	case "span":
		return hasClass(n, "star-full") || hasClass(n, "glyphicon-star")
	case "svg":
		return attr(n, "fill") == "currentColor"
	}
	return false
}

func isEmptyStar(n *html.Node) bool {
	switch n.Data {
	case "span":
		return hasClass(n, "star-empty") || hasClass(n, "glyphicon-star-empty")
	case "svg":
		return attr(n, "fill") == "none"
	}
	return false
}

func readReview(n *html.Node) (Review, error) {
	names := all(n, isReviewer)
	if len(names) != 1 {
		return Review{}, fmt.Errorf("want one reviewer's name, got %d", len(names))
	}
	r := Review{Reviewer: text(names[0])}
	full, empty := all(n, isFullStar), all(n, isEmptyStar)
	if len(full)+len(empty) == 0 {
		return r, nil
	}
	if got := len(full) + len(empty); got != MaxStars {
		return Review{}, fmt.Errorf("%s: want %d stars full and empty, got %d", r.Reviewer, MaxStars, got)
	}
	r.Rated, r.Stars = true, len(full)
	var err error
	r.Color, err = color(append(full, empty...)[0].Parent)
	return r, err
}

// color is where the page says it: our data-color, font's color, or today's class
// "text-red-500".
func color(n *html.Node) (string, error) {
	for _, key := range []string{"data-color", "color"} {
		if c := attr(n, key); c != "" {
			return c, nil
		}
	}
	for c := range strings.FieldsSeq(attr(n, "class")) {
		if name, ok := strings.CutPrefix(c, "text-"); ok {
			return strings.TrimSuffix(name, "-500"), nil
		}
	}
	return "", errors.New("the stars have no colour")
}

func isElement(name string) func(*html.Node) bool {
	return func(n *html.Node) bool { return n.Data == name }
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
