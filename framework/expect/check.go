package expect

import (
	"slices"

	"meshgate/framework/accesslog"
	"meshgate/framework/probe"
)

// Check judges an observation. The zero Check judges nothing, which is an error.
type Check struct {
	fields []Field
	judge  func(probe.Observation) error
}

// CheckOf makes a check of one's own, with the fields of the mismatches that it can find.
func CheckOf(fields []Field, judge func(probe.Observation) error) Check {
	return Check{unique(fields), judge}
}

// Judge is nil, or an error that begins with what was observed and wraps a *Mismatch for
// each field that differs.
func (c Check) Judge(o probe.Observation) error {
	if c.judge == nil {
		return errNoChecks
	}
	return c.judge(o)
}

// Fields are the fields of the mismatches that Judge can find, sorted, each once.
func (c Check) Fields() []Field { return slices.Clone(c.fields) }

// All passes when every check does; its error has every mismatch of every check.
func All(checks ...Check) Check {
	var fields []Field
	for _, c := range checks {
		fields = append(fields, c.fields...)
	}
	return CheckOf(fields, func(o probe.Observation) error {
		if len(checks) == 0 {
			return errNoChecks
		}
		wrong := make([]error, len(checks))
		for i, check := range checks {
			wrong[i] = check.Judge(o)
		}
		return verdict(o, wrong...)
	})
}

// LineCheck is Check for an access-log line.
type LineCheck struct {
	fields []Field
	judge  func(accesslog.Line) error
}

// LineCheckOf makes a check of one's own, with the fields of the mismatches that it can find.
func LineCheckOf(fields []Field, judge func(accesslog.Line) error) LineCheck {
	return LineCheck{unique(fields), judge}
}

// Judge is Check.Judge for a line.
func (c LineCheck) Judge(l accesslog.Line) error {
	if c.judge == nil {
		return errNoChecks
	}
	return c.judge(l)
}

// Fields are the fields of the mismatches that Judge can find, sorted, each once.
func (c LineCheck) Fields() []Field { return slices.Clone(c.fields) }

func fieldsOfLine(checks []LineCheck) []Field {
	var fields []Field
	for _, c := range checks {
		fields = append(fields, c.fields...)
	}
	return fields
}

func unique(fields []Field) []Field {
	return slices.Compact(slices.Sorted(slices.Values(fields)))
}
