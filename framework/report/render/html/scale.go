package html

import (
	"strconv"
	"time"

	"meshgate/framework/report"
)

// scale maps a time to a place in a picture. Places are shares of its width, so
// that a picture fits any screen and its letters keep their size.
type scale struct{ length time.Duration }

type tick struct{ X, Label string }

// at is a place in percent, held within the picture.
func (s scale) at(d time.Duration) string { return percent(s.share(d)) }

func (s scale) share(d time.Duration) float64 {
	if s.length <= 0 {
		return 0
	}
	return min(1, max(0, float64(d)/float64(s.length)))
}

// span is a beginning and a width, wide enough to be seen.
func (s scale) span(from, to time.Duration) (x, width string) {
	const least = 0.002
	begin := min(s.share(from), 1-least)
	return percent(begin), percent(max(least, s.share(to)-begin))
}

func percent(share float64) string {
	return strconv.FormatFloat(share*100, 'f', 2, 64) + "%"
}

// ticks are at most six, at round times.
func (s scale) ticks() []tick {
	if s.length <= 0 {
		return nil
	}
	step := roundStep(s.length / 5)
	var out []tick
	for d := step; d < s.length-s.length/20; d += step {
		out = append(out, tick{s.at(d), shortTime(d)})
	}
	return out
}

// roundStep is the least round time that is not below d.
func roundStep(d time.Duration) time.Duration {
	for unit := time.Millisecond; unit < 10*time.Second; unit *= 10 {
		for _, n := range []time.Duration{1, 2, 5} {
			if n*unit >= d {
				return n * unit
			}
		}
	}
	for _, step := range []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute,
		5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute} {
		if step >= d {
			return step
		}
	}
	return d.Truncate(time.Hour) + time.Hour
}

// shortTime is a time as short as a tick's label has to be.
func shortTime(d time.Duration) string {
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
	case d%time.Minute == 0:
		return strconv.Itoa(int(d.Minutes())) + " min"
	default:
		return report.Seconds(d).String()
	}
}
