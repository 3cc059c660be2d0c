package expect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"meshgate/framework/probe"
)

// Status wants the response's status, in full: no response is a mismatch of it.
func Status(want int) Check { return StatusIn(want) }

// StatusIn wants one of several statuses.
func StatusIn(want ...int) Check {
	words := make([]string, len(want))
	for i, w := range want {
		words[i] = strconv.Itoa(w)
	}
	return CheckOf([]Field{FieldStatus}, func(o probe.Observation) error {
		ok := o.Failure == nil && slices.Contains(want, o.Status)
		return verdict(o, unless(ok, FieldStatus, either(words), outcome(o)))
	})
}

// Answered wants a whole response of any status, or for other kinds of probe the
// handshake or the connection.
func Answered() Check {
	return CheckOf([]Field{FieldOutcome}, func(o probe.Observation) error {
		return verdict(o, unless(o.Failure == nil, FieldOutcome, "an answer", outcome(o)))
	})
}

// Header wants a header's value; several lines of it are joined by ", ".
func Header(name, want string) Check {
	return CheckOf([]Field{HeaderField(name)}, func(o probe.Observation) error {
		return verdict(o, header(o, name, want))
	})
}

func header(o probe.Observation, name, want string) error {
	if _, there := value(o, name); !there {
		return &Mismatch{Field: HeaderField(name), Want: want, Got: absent(o)}
	}
	got, _ := value(o, name)
	return differ(HeaderField(name), want, got)
}

// HeaderHasPrefix wants a header's value to begin so, such as a media type.
func HeaderHasPrefix(name, prefix string) Check {
	return CheckOf([]Field{HeaderField(name)}, func(o probe.Observation) error {
		got, there := value(o, name)
		if !there {
			got = absent(o)
		}
		return verdict(o, unless(there && strings.HasPrefix(got, prefix), HeaderField(name), prefix+"…", got))
	})
}

// HeaderLacksToken wants a header that is a list, is there, and does not list the
// token. A header that is missing lists nothing, and so proves nothing.
func HeaderLacksToken(name, token string) Check {
	return CheckOf([]Field{HeaderField(name)}, func(o probe.Observation) error {
		got, there := value(o, name)
		if !there {
			return verdict(o, &Mismatch{Field: HeaderField(name), Want: "a list without " + token, Got: absent(o)})
		}
		return verdict(o, unless(!slices.Contains(tokens(got), token), HeaderField(name), "a list without "+token, got))
	})
}

// NoHeader wants a response that does not carry the header.
func NoHeader(name string) Check {
	return CheckOf([]Field{HeaderField(name)}, func(o probe.Observation) error { return verdict(o, noHeader(o, name)) })
}

func noHeader(o probe.Observation, name string) error {
	got, there := value(o, name)
	if o.Failure != nil {
		return &Mismatch{Field: HeaderField(name), Want: "a response without it", Got: outcome(o)}
	}
	return unless(!there, HeaderField(name), "no such header", got)
}

// Location wants the target of a redirect, byte for byte.
func Location(want string) Check { return Header("Location", want) }

// NoLocation wants a response that does not redirect.
func NoLocation() Check { return NoHeader("Location") }

// BodyContains wants a text in the response's body.
func BodyContains(want string) Check {
	return CheckOf([]Field{FieldBody}, func(o probe.Observation) error {
		return verdict(o, unless(strings.Contains(string(o.Body), want), FieldBody, "… "+want+" …", body(o)))
	})
}

// Reused wants the answer to have come on a connection that was open before.
func Reused() Check {
	return CheckOf([]Field{FieldConnection}, func(o probe.Observation) error {
		return verdict(o, unless(o.Reused && o.Failure == nil, FieldConnection, "the one opened before", connection(o)))
	})
}

func connection(o probe.Observation) string {
	if o.Failure != nil {
		return outcome(o)
	}
	return "a new one"
}

// value joins the lines of a header, and says whether there is any.
func value(o probe.Observation, name string) (string, bool) {
	values := o.Header.Values(name)
	return strings.Join(values, ", "), len(values) > 0
}

// absent says why a header is not there.
func absent(o probe.Observation) string {
	if o.Failure != nil {
		return outcome(o)
	}
	return "no such header"
}

func body(o probe.Observation) string {
	if o.Failure != nil {
		return outcome(o)
	}
	if o.Truncated {
		return fmt.Sprintf("%s (cut at %d bytes)", clip(string(o.Body)), len(o.Body))
	}
	return string(o.Body)
}

// tokens splits a list-valued header.
func tokens(list string) []string {
	var all []string
	for t := range strings.SplitSeq(list, ",") {
		if t = strings.TrimSpace(t); t != "" {
			all = append(all, t)
		}
	}
	return all
}
