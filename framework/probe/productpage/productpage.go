// Package productpage reads what bookinfo's page shows a visitor.
//
// Three pages are understood, so that a suite may run on any of the images: our
// own, upstream's of today (a section a review, stars as svg) and upstream's
// older one (a blockquote a review, stars as glyphicon spans). A star is counted
// only where the page draws it full; empty stars are counted to check that there
// are five in all.
package productpage

import (
	"bytes"
	"fmt"

	"golang.org/x/net/html"
)

// MaxStars is how many stars, full and empty, each page draws for a rating.
const MaxStars = 5

// Page is what the page shows.
type Page struct {
	Reviews []Review
	// Errors are the messages shown instead of details, reviews or ratings.
	Errors []string
}

// Review is one review as shown.
type Review struct {
	Reviewer string
	Rated    bool   // stars are drawn at all: false for reviews-v1 and when ratings fail
	Stars    int    // full stars
	Color    string // "black", "red"; empty if not rated
}

// Parse reads the page. It fails if the body is no such page, or if a review has
// no reviewer or another number of stars than MaxStars: such a page must not be
// counted as one that shows few stars.
func Parse(body []byte) (Page, error) {
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return Page{}, fmt.Errorf("product page: %w", err)
	}
	var page Page
	found, dialect := reviews(root)
	for _, n := range found {
		review, err := dialect.read(n)
		if err != nil {
			return Page{}, fmt.Errorf("product page: review %d: %w", len(page.Reviews)+1, err)
		}
		page.Reviews = append(page.Reviews, review)
	}
	for _, n := range all(root, isError) {
		page.Errors = append(page.Errors, text(n))
	}
	if len(page.Reviews) == 0 && len(page.Errors) == 0 {
		return Page{}, fmt.Errorf("product page: neither a review nor an error message in %d bytes: not bookinfo's page", len(body))
	}
	return page, nil
}

// Review finds the review of one reviewer ("Reviewer1").
func (p Page) Review(reviewer string) (Review, error) {
	var seen []string
	for _, r := range p.Reviews {
		if r.Reviewer == reviewer {
			return r, nil
		}
		seen = append(seen, r.Reviewer)
	}
	return Review{}, fmt.Errorf("product page: no review by %q; it shows reviews by %q and errors %q", reviewer, seen, p.Errors)
}
