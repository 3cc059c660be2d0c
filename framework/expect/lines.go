package expect

import (
	"fmt"
	"strings"

	"meshgate/framework/accesslog"
)

// ExactlyOne wants one line and no more that passes the first check, and that line
// to pass all the others: the first says which line is meant, by its request ID or
// the client's address, and the rest say what must stand in it. So a second line
// of the same request is found also where it tells another story.
func ExactlyOne(lines []accesslog.Line, checks ...LineCheck) error {
	if len(checks) == 0 {
		return errNoChecks
	}
	meant := passing(lines, checks[0])
	if len(meant) != 1 {
		return &Mismatch{Field: "access-log lines", Want: "exactly 1", Got: inventory(meant, lines, checks[0])}
	}
	return Line(checks...)(meant[0])
}

// NoneOf wants no line that passes all the checks.
func NoneOf(lines []accesslog.Line, checks ...LineCheck) error {
	if len(checks) == 0 {
		return errNoChecks
	}
	found := passing(lines, Line(checks...))
	if len(found) == 0 {
		return nil
	}
	return &Mismatch{Field: "access-log lines", Want: "none", Got: inventory(found, lines, Line(checks...))}
}

func passing(lines []accesslog.Line, check LineCheck) []accesslog.Line {
	var found []accesslog.Line
	for _, l := range lines {
		if check(l) == nil {
			found = append(found, l)
		}
	}
	return found
}

// inventory is the evidence: the lines that were found, or, when there are none,
// what the latest line there is was refused for.
func inventory(found, all []accesslog.Line, check LineCheck) string {
	const most = 3
	if len(found) == 0 && len(all) == 0 {
		return "0 of 0"
	}
	if len(found) == 0 {
		return fmt.Sprintf("0 of %d; the last one: %s", len(all), check(all[len(all)-1]))
	}
	words := []string{fmt.Sprintf("%d of %d", len(found), len(all))}
	for _, l := range found[:min(most, len(found))] {
		words = append(words, aboutLine(l))
	}
	if len(found) > most {
		words = append(words, "…")
	}
	return strings.Join(words, "; ")
}
