package expect

import (
	"fmt"
	"strconv"

	"meshgate/framework/probe"
	"meshgate/framework/probe/productpage"
)

// Stars wants bookinfo's page to show a reviewer's rating, such as "Reviewer1"
// with one star (docs/spec/mongo-ingress.md#ratingsfrommongo). No stars drawn is not zero stars.
func Stars(reviewer string, want int) Check {
	return review(reviewer, StarsField(reviewer), strconv.Itoa(want), func(r productpage.Review) (string, bool) {
		if !r.Rated {
			return "no rating", false
		}
		return strconv.Itoa(r.Stars), r.Stars == want
	})
}

// StarColor wants the colour of a reviewer's stars, by which the versions of
// reviews are told apart: "black" is v2, "red" is v3.
func StarColor(reviewer, want string) Check {
	return review(reviewer, StarColorField(reviewer), want, func(r productpage.Review) (string, bool) {
		if !r.Rated {
			return "no rating", false
		}
		return r.Color, r.Color == want
	})
}

func review(reviewer string, field Field, want string, look func(productpage.Review) (string, bool)) Check {
	return CheckOf([]Field{field}, func(o probe.Observation) error {
		r, err := readReview(o, reviewer)
		if err != nil {
			return verdict(o, &Mismatch{Field: field, Want: want, Got: err.Error()})
		}
		got, ok := look(r)
		return verdict(o, unless(ok, field, want, got))
	})
}

func readReview(o probe.Observation, reviewer string) (productpage.Review, error) {
	page, err := readPage(o)
	if err != nil {
		return productpage.Review{}, err
	}
	return page.Review(reviewer)
}

func readPage(o probe.Observation) (productpage.Page, error) {
	switch {
	case o.Failure != nil:
		return productpage.Page{}, fmt.Errorf("no answer: %s", outcome(o))
	case o.Truncated:
		return productpage.Page{}, fmt.Errorf("the page was cut at %d bytes", len(o.Body))
	}
	return productpage.Parse(o.Body)
}
