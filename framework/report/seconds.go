package report

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Seconds is a duration that reads as a number of seconds in JSON, because a
// report is read by people and by tools that know no Go.
type Seconds time.Duration

// MarshalJSON writes decimal seconds without an exponent, exact to the nanosecond.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(s).Seconds(), 'f', -1, 64), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Seconds) UnmarshalJSON(data []byte) error {
	var f float64
	if err := json.Unmarshal(data, &f); err != nil {
		return fmt.Errorf("duration in seconds: want a number, got %s: %w", data, err)
	}
	*s = Seconds(math.Round(f * float64(time.Second)))
	return nil
}

// String rounds to what a person can use: 1.2 s, 350 ms.
func (s Seconds) String() string {
	d := time.Duration(s)
	switch {
	case d < 0:
		return "-" + (-s).String()
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
}
