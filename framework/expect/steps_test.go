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
	assert.NoError(t, two.Check(ms(410, 401, 1030, 802)))
	for _, wrong := range [][]int{
		{399},           // the server was not waited for
		{401, 410, 420}, // three at once where two may be
		{401, 410, 1031},
	} {
		assert.Error(t, two.Check(ms(wrong...)), "%v", wrong)
	}
	one := Steps{Limit: 1, Delay: two.Delay, Overhead: two.Overhead}
	assert.EqualError(t, one.Check(ms(401, 500)), `time of answer 2: want "between 800ms and 1.03s", got "500ms"`)
	slow := Steps{Limit: 2, Delay: two.Delay, Overhead: time.Second}
	assert.NoError(t, slow.Check(ms(401, 410, 1800)), "a slow machine may be late")
	assert.Error(t, slow.Check(ms(401, 410, 411)), "but never early")
	for _, empty := range []error{two.Check(nil), Steps{Delay: 1}.Check(ms(1)), Steps{Limit: 1}.Check(ms(1))} {
		assert.ErrorIs(t, empty, errNoChecks)
	}
}
