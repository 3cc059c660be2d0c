package expect_test

import (
	"fmt"
	"net/http"

	"meshgate/framework/accesslog"
	"meshgate/framework/expect"
	"meshgate/framework/probe"
)

// A check judges what a probe saw. The error names each field that differs.
func ExampleAll() {
	redirected := expect.All(expect.Status(301), expect.Location("https://shop.example.com/"))
	seen := probe.Observation{Status: 200, Header: http.Header{}}
	for _, m := range expect.Mismatches(redirected.Judge(seen)) {
		fmt.Println(m)
	}
	// Output:
	// status: want "301", got "200"
	// Location: want "https://shop.example.com/", got "no such header"
}

// The first check says which line is meant, the others what it must say.
func ExampleExactlyOne() {
	line, err := accesslog.Parse(`[2026-12-01T10:00:00.000Z] "GET /cart HTTP/2" 404 NR route_not_found - "-" 0 0 0 - "10.0.0.1" "-" "d0a7" "shop.example.com" "-" - - 10.0.0.2:8443 10.0.0.1:40000 shop.example.com -`)
	if err != nil {
		fmt.Println(err)
		return
	}
	lines := []accesslog.Line{line}
	fmt.Println(expect.ExactlyOne(lines, expect.RequestIDIs("d0a7"), expect.FlagsAre("NR"), expect.NoUpstream()))
	fmt.Println(expect.ExactlyOne(lines, expect.RequestIDIs("d0a7"), expect.StatusIs(503)))
	// Output:
	// <nil>
	// line 10:00:00.000 404 NR GET shop.example.com/cart: log status: want "503", got "404"
}

// A suite can have a check of its own; it declares the fields that it can find wrong, so
// that a sabotage may name them.
func ExampleCheckOf() {
	const fieldCart expect.Field = "items in the cart"
	full := expect.CheckOf([]expect.Field{fieldCart}, func(o probe.Observation) error {
		if o.Header.Get("x-items") != "0" {
			return nil
		}
		return &expect.Mismatch{Field: fieldCart, Want: "some", Got: "0"}
	})
	fmt.Println(full.Fields(), full.Judge(probe.Observation{Header: http.Header{"X-Items": {"0"}}}))
	// Output:
	// [items in the cart] items in the cart: want "some", got "0"
}
