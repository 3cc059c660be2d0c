package expect

import (
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
