package probe_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"meshgate/framework/probe"
)

// A request is a value; WithHeader returns a changed copy.
func ExampleRequest_WithHeader() {
	r := probe.GET("https://shop.example.com/").WithHeader("x-release", "canary")
	fmt.Println(r.Method, r.URL, r.Header)
	// Output: GET https://shop.example.com/ map[x-release:[canary]]
}

// A probe makes one attempt and says what it saw. It never judges: a refusal is an
// observation too.
func ExampleOutside() {
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-served-host", r.Host)
		w.WriteHeader(http.StatusTeapot)
	}))
	defer shop.Close()
	r := probe.GET("http://shop.example.com/")
	r.Connect = shop.Listener.Addr().String() // the address that is dialled instead of the host's
	seen := probe.Outside().Do(context.Background(), r)
	fmt.Println(seen.Status, seen.Header.Get("x-served-host"), seen.Failure == nil)
	// Output: 418 shop.example.com true
}
