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
	return Lines(lines, 1, checks...)
}

// Lines wants so many lines that pass the first check, and each of them to pass all the
// others, as ExactlyOne does of one.
func Lines(lines []accesslog.Line, want int, checks ...LineCheck) error {
	if len(checks) == 0 {
		return errNoChecks
	}
	meant := passing(lines, checks[0])
	if len(meant) != want {
		return &Mismatch{Field: FieldLogLines, Want: fmt.Sprintf("exactly %d", want), Got: inventory(meant, lines, checks[0])}
	}
	for _, l := range meant {
		if err := Line(checks...).Judge(l); err != nil {
			return err
		}
	}
	return nil
}

// LineFields are the fields by which ExactlyOne, Lines, SomeOf and NoneOf with these checks
// can find lines wrong: that of their number, and those of the checks.
func LineFields(checks ...LineCheck) []Field {
	fields := []Field{FieldLogLines, FieldLogFormat}
	for _, c := range checks {
		fields = append(fields, c.fields...)
	}
	return unique(fields)
}

// Those are the lines that pass a check.
func Those(lines []accesslog.Line, check LineCheck) []accesslog.Line { return passing(lines, check) }

// SomeOf wants at least one line that passes all the checks.
func SomeOf(lines []accesslog.Line, checks ...LineCheck) error {
	if len(checks) == 0 {
		return errNoChecks
	}
	if len(passing(lines, Line(checks...))) > 0 {
		return nil
	}
	return &Mismatch{Field: FieldLogLines, Want: "at least 1", Got: inventory(nil, lines, Line(checks...))}
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
	return &Mismatch{Field: FieldLogLines, Want: "none", Got: inventory(found, lines, Line(checks...))}
}

func passing(lines []accesslog.Line, check LineCheck) []accesslog.Line {
	var found []accesslog.Line
	for _, l := range lines {
		if check.Judge(l) == nil {
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
		return fmt.Sprintf("0 of %d; the last one: %s", len(all), check.Judge(all[len(all)-1]))
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
