package productpage

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const page = `<html><body><svg fill="none"></svg><h1>A book</h1>`

// The three forms of one review, as each page writes it; %s stands for the stars.
const (
	ours = page + `<article class="review">%s<blockquote>Good. <small>Not</small> bad.</blockquote><cite class="reviewer">Reviewer1</cite></article>`
	// Upstream's of today has an attribute whose quote is never closed.
	today = page + `<div class="container><div class="x"><section class="px-6"><div>%s<blockquote><p>"Good."</p></blockquote>
		<div class="mt-4"><div class="font-semibold text-gray-900">Reviewer1</div><div class="font-mono">Reviews served by: pod</div></div></div></section>`
	before = page + `<blockquote><p>Good.</p><small>Reviewer1</small>%s</blockquote>`
)

func drawn(before, full, empty, after string, n int) string {
	return before + strings.Repeat(full, n) + strings.Repeat(empty, MaxStars-n) + after
}

func oursStars(n int) string {
	return drawn(`<div class="stars" data-color="red">`, `<span class="star-full">★</span>`, `<span class="star-empty">☆</span>`, `</div>`, n)
}

func todayStars(n int) string {
	return drawn(`<div class="flex gap-x-1 text-red-500">`, `<svg class="h-5" fill="currentColor"><path d="M1"/></svg>`, `<svg fill="none" class="h-5"><path/></svg>`, `</div>`, n)
}

func beforeStars(n int) string {
	return drawn(`<font color="red">`, `<span class="glyphicon glyphicon-star"></span>`, ` <span class="glyphicon glyphicon-star-empty"></span>`, `</font>`, n)
}

func TestStarsOfEveryPage(t *testing.T) {
	for name, form := range map[string]struct {
		page  string
		stars func(int) string
	}{"ours": {ours, oursStars}, "today": {today, todayStars}, "before": {before, beforeStars}} {
		t.Run(name, func(t *testing.T) {
			for n := range MaxStars + 1 {
				p, err := Parse([]byte(strings.Replace(form.page, "%s", form.stars(n), 1)))
				require.NoError(t, err)
				assert.Equal(t, []Review{{Reviewer: "Reviewer1", Rated: true, Stars: n, Color: "red"}}, p.Reviews)
				assert.Empty(t, p.Errors)
			}
			p, err := Parse([]byte(strings.Replace(form.page, "%s", "", 1)))
			require.NoError(t, err)
			assert.Equal(t, []Review{{Reviewer: "Reviewer1"}}, p.Reviews)
			_, err = Parse([]byte(strings.Replace(form.page, "%s", form.stars(2)+form.stars(1), 1)))
			assert.ErrorContains(t, err, "got 10")
		})
	}
}

func TestErrorsOfEveryPage(t *testing.T) {
	for _, body := range []string{
		`<p class="error">Error fetching product reviews: sorry</p>`,
		`<p class="text-2xl text-red-500">Error fetching product reviews</p><p class="text-lg text-gray-600">Sorry.</p>`,
		`<h4 class="text-center">Error fetching product reviews!</h4><p>Sorry.</p>`,
	} {
		p, err := Parse([]byte(page + body))
		require.NoError(t, err)
		require.Len(t, p.Errors, 1)
		assert.Contains(t, p.Errors[0], "Error fetching product reviews")
		assert.Empty(t, p.Reviews)
	}
	for _, form := range []struct{ page, problem string }{
		{ours, `<p class="error">Ratings are unavailable</p>`},
		{today, `<p class="text-red-500">Ratings are unavailable</p>`},
		{before, `<p><i>Ratings are unavailable</i></p>`},
	} {
		p, err := Parse([]byte(strings.Replace(form.page, "%s", form.problem, 1)))
		require.NoError(t, err)
		assert.Equal(t, []string{"Ratings are unavailable"}, p.Errors)
		assert.Equal(t, []Review{{Reviewer: "Reviewer1"}}, p.Reviews)
	}
}

func TestOtherBodiesAreNoPage(t *testing.T) {
	for _, body := range []string{"", "no healthy upstream", `{"reviews":[]}`, page, "<h4>Book Reviews</h4>"} {
		_, err := Parse([]byte(body))
		assert.ErrorContains(t, err, "not bookinfo's page")
	}
	_, err := Parse([]byte(strings.Replace(strings.Replace(ours, "%s", "", 1), `class="reviewer"`, "", 1)))
	assert.ErrorContains(t, err, "one reviewer's name, got 0")
	_, err = Parse([]byte(strings.Replace(ours, "%s", strings.Replace(oursStars(1), `data-color="red"`, "", 1), 1)))
	assert.ErrorContains(t, err, "no colour")
}

func TestReviewByName(t *testing.T) {
	p, err := Parse([]byte(strings.Replace(ours, "%s", oursStars(1), 1)))
	require.NoError(t, err)
	r, err := p.Review("Reviewer1")
	require.NoError(t, err)
	assert.Equal(t, 1, r.Stars)
	_, err = p.Review("Reviewer9")
	assert.ErrorContains(t, err, "Reviewer1", "the error says who is there")
}
