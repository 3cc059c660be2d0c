package expect

import (
	"fmt"
	"net/http"
	"strings"

	"meshgate/framework/accesslog"
	"meshgate/framework/probe"
)

// about says in short what was observed: "301 https://api.test/a", "404 POST
// https://api.test/a", "reset in tls https://api.test/", and from where, unless
// the probe was outside.
func about(o probe.Observation) string {
	words := []string{result(o)}
	if o.Request.Method != "" && o.Request.Method != http.MethodGet {
		words = append(words, o.Request.Method)
	}
	words = append(words, o.Request.URL)
	if o.Request.Via != "" && o.Request.Via != "outside" {
		words = append(words, "from "+o.Request.Via)
	}
	return strings.Join(words, " ")
}

// aboutAny says in short what an observation or a line is.
func aboutAny(of any) string {
	if l, ok := of.(accesslog.Line); ok {
		return aboutLine(l)
	}
	return about(of.(probe.Observation))
}

func result(o probe.Observation) string {
	switch {
	case o.Failure != nil:
		return failed(o.Failure)
	case o.Status != 0:
		return fmt.Sprint(o.Status)
	}
	return "connected"
}

// failed is a failure in three words: its class, the alert if one came, the phase.
func failed(f *probe.Failure) string {
	class := f.Class
	if f.Alert != "" {
		class += " " + f.Alert
	}
	return fmt.Sprintf("%s in %s", class, f.Phase)
}

// outcome is result with the failure's own message, for Mismatch.Got.
func outcome(o probe.Observation) string {
	if o.Failure != nil {
		return fmt.Sprintf("%s: %s", failed(o.Failure), o.Failure.Message)
	}
	return result(o)
}
