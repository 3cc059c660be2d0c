package expect

import (
	"meshgate/framework/probe"
	"slices"
	"time"
)

// Steps are answers of a server that takes a while for each, by way of a limit on how
// many it is asked at once: so many come after one delay, so many after two.
type Steps struct {
	Limit int
	Delay time.Duration // that the server takes for each
	// Overhead is what everything else was measured to take.
	Overhead time.Duration
}

// NotEarly wants no answer before its step, by when they came, counted from when the first
// was asked for. That holds on any machine: whoever is early did not wait for the others.
func (s Steps) NotEarly(answers []time.Duration) error {
	return s.each(answers, func(at, step time.Duration) (bool, string) { return at >= step, "at the earliest " + step.String() })
}

// NotLate wants each within half a delay of its step, and three times the overhead. A busy
// machine may be late at any moment; a mesh that lets callers wait too long always is.
func (s Steps) NotLate(answers []time.Duration) error {
	return s.each(answers, func(at, step time.Duration) (bool, string) {
		latest := (step + s.Delay/2 + 3*s.Overhead).Round(time.Millisecond)
		return at <= latest, "at the latest " + latest.String()
	})
}

func (s Steps) each(answers []time.Duration, look func(at, step time.Duration) (ok bool, want string)) error {
	if len(answers) == 0 || s.Limit < 1 || s.Delay <= 0 {
		return errNoChecks
	}
	for i, at := range slices.Sorted(slices.Values(answers)) {
		ok, want := look(at, time.Duration(i/s.Limit+1)*s.Delay)
		if err := unless(ok, TimeOfAnswerField(i+1), want, at.String()); err != nil {
			return err
		}
	}
	return nil
}

// InTime wants one round of those that tell to be in time, of so many. Where asking alone
// takes as long as what is looked for, much is forgiven, and a round tells nothing; it is
// believed only where, of twice as many, there were not enough of the others. What is wrong
// in any round, and not merely late, is wrong.
func InTime(rounds int, round func() (tells bool, late, wrong error)) error {
	var last error
	told, forgiven := 0, false
	for range 2 * rounds {
		tells, late, wrong := round()
		switch {
		case wrong != nil:
			return wrong
		case tells && late == nil:
			return nil
		case late == nil:
			forgiven = true
			continue
		case tells:
			told++
		}
		if last = late; told == rounds {
			return last
		}
	}
	if forgiven {
		return nil
	}
	return last
}

// Arrivals are when the answers to requests that were made at once had come, counted from
// when the first of them was asked, in order. An answer other than 200 is a mismatch.
func Arrivals(answers []probe.Observation) ([]time.Duration, error) {
	if len(answers) == 0 {
		return nil, errNoChecks
	}
	var all []time.Duration
	first := slices.MinFunc(answers, func(a, b probe.Observation) int { return a.At.Compare(b.At) }).At
	for _, o := range answers {
		if err := Status(200).Judge(o); err != nil {
			return nil, err
		}
		all = append(all, o.At.Add(o.Timing.Total).Sub(first).Round(time.Millisecond))
	}
	slices.Sort(all)
	return all, nil
}
