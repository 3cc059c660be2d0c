package expect

import (
	"fmt"
	"slices"
	"time"
)

// Steps are answers of a server that takes a while for each, by way of a limit on how
// many it is asked at once: so many come after one delay, so many after two.
type Steps struct {
	Limit int
	Delay time.Duration // that the server takes for each
	// Overhead is what everything else was measured to take. An answer may come late by
	// three times that and half a delay; it may never come early.
	Overhead time.Duration
}

// Check judges when answers came, counted from when the first was asked for.
func (s Steps) Check(answers []time.Duration) error {
	if len(answers) == 0 || s.Limit < 1 || s.Delay <= 0 {
		return errNoChecks
	}
	for i, at := range slices.Sorted(slices.Values(answers)) {
		early := time.Duration(i/s.Limit+1) * s.Delay
		late := early + s.Delay/2 + 3*s.Overhead
		err := unless(early <= at && at <= late, fmt.Sprintf("time of answer %d", i+1),
			fmt.Sprintf("between %s and %s", early, late.Round(time.Millisecond)), at.String())
		if err != nil {
			return err
		}
	}
	return nil
}
