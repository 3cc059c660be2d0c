package expect

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func ms(all ...int) (out []time.Duration) {
	for _, n := range all {
		out = append(out, time.Duration(n)*time.Millisecond)
	}
	return out
}

func TestAnswersMustComeInTheirSteps(t *testing.T) {
	two := Steps{Limit: 2, Delay: 400 * time.Millisecond, Overhead: 10 * time.Millisecond}
	right := ms(410, 401, 1030, 802)
	assert.NoError(t, two.NotEarly(right))
	assert.NoError(t, two.NotLate(right))
	assert.Error(t, two.NotEarly(ms(399)), "the server was not waited for")
	assert.EqualError(t, two.NotEarly(ms(401, 410, 420)), `time of answer 3: want "at the earliest 800ms", got "420ms"`, "three at once where two may be")
	assert.EqualError(t, two.NotLate(ms(401, 410, 1031)), `time of answer 3: want "at the latest 1.03s", got "1.031s"`)
	slow := Steps{Limit: 2, Delay: two.Delay, Overhead: time.Second}
	assert.NoError(t, slow.NotLate(ms(401, 410, 1800)), "a slow machine may be late")
	assert.Error(t, slow.NotEarly(ms(401, 410, 411)), "but never early")
	for _, empty := range []error{two.NotEarly(nil), Steps{Delay: 1}.NotLate(ms(1)), Steps{Limit: 1}.NotEarly(ms(1))} {
		assert.ErrorIs(t, empty, errNoChecks)
	}
}

func TestARoundOfABusyMachineDoesNotOutweighThoseThatTell(t *testing.T) {
	late, wrong := errors.New("late"), errors.New("early")
	for name, c := range map[string]struct {
		// t: tells, b: the machine was too busy to tell; then i: in time, l: late, w: wrong
		rounds string
		want   error
		asked  int
	}{
		"in time at once":                {"ti", nil, 1},
		"in time at last":                {"tl tl ti", nil, 3},
		"late whenever it can be told":   {"tl bi tl bi tl", late, 5},
		"what is wrong is wrong at once": {"tl bw", wrong, 2},
		"busy all the time, in time":     {"bl bl bl bi bl bl", nil, 6},
		"busy all the time, and late":    {"bl bl bl bl bl bl", late, 6},
		"too seldom told":                {"tl bi tl bi bl bl", nil, 6},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			err := InTime(3, func() (bool, error, error) {
				r := c.rounds[3*asked:]
				asked++
				return r[0] == 't', map[byte]error{'l': late}[r[1]], map[byte]error{'w': wrong}[r[1]]
			})
			assert.Equal(t, c.want, err)
			assert.Equal(t, c.asked, asked)
		})
	}
}
