package diff

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The values are those of the tables of the signed-rank distribution, and counted by hand
// where there are ties.
func TestSignedRankHasTheKnownValues(t *testing.T) {
	for name, c := range map[string]struct {
		d []float64
		n int
		p float64
	}{
		"nothing":               {nil, 0, 1},
		"only zeros":            {[]float64{0, 0}, 0, 1},
		"a single pair":         {[]float64{7}, 1, 1},
		"five of one sign":      {[]float64{1, 2, 3, 4, 5}, 5, 2.0 / 32},
		"six of one sign":       {[]float64{-1, -2, -3, -4, -5, -6}, 6, 2.0 / 64},
		"zeros do not count":    {[]float64{0, 1, 2, 3, 0, 4, 5, 6}, 6, 2.0 / 64},
		"the middle":            {[]float64{1, -2, -3, 4}, 4, 1},
		"smallest against":      {[]float64{-1, 2, 3, 4, 5, 6}, 6, 4.0 / 64},
		"ties, all of one sign": {[]float64{2, 2, 2, 2}, 4, 2.0 / 16},
		"ties, one against":     {[]float64{2, 2, 2, -2}, 4, 10.0 / 16},
		// Nine subjects before and after: the sum of positive ranks is 40 of 45, two-sided 20/512.
		"nine subjects": {[]float64{0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01}, 9, 20.0 / 512},
	} {
		n, p := signedRank(c.d)
		assert.Equal(t, c.n, n, name)
		assert.InDelta(t, c.p, p, 1e-12, name)
	}
}

func TestSignedRankAgreesWithTheNormalDistributionForMany(t *testing.T) {
	var d []float64
	for i := range 200 {
		sign := 1.0
		if i%5 < 2 {
			sign = -1
		}
		d = append(d, sign*float64(i+1))
	}
	_, p := signedRank(d)
	n, positive := 200.0, 0.0
	for _, x := range d {
		positive += max(0, x)
	}
	z := (math.Abs(positive-n*(n+1)/4) - 0.5) / math.Sqrt(n*(n+1)*(2*n+1)/24)
	assert.InDelta(t, math.Erfc(z/math.Sqrt2), p, 0.001)
	assert.Less(t, p, 0.05)
}

func TestApartIsTheExtremeOfMannAndWhitney(t *testing.T) {
	assert.InDelta(t, 1, apart(1, 1), 1e-12, "a single pair says nothing")
	assert.InDelta(t, 0.1, apart(3, 3), 1e-12)
	assert.InDelta(t, 2.0/252, apart(5, 5), 1e-12)
	assert.InDelta(t, 2.0/184756, apart(10, 10), 1e-12)
	assert.InDelta(t, apart(4, 7), apart(7, 4), 1e-12)
}

func TestHolmRaisesByWhatIsLeftAndNeverTurnsTheOrder(t *testing.T) {
	got := holm([]float64{0.04, 0.01, 0.03, 0.9})
	want := []float64{0.09, 0.04, 0.09, 0.9}
	for i := range want {
		assert.InDelta(t, want[i], got[i], 1e-12)
	}
	assert.Empty(t, holm(nil))
}

func TestMedian(t *testing.T) {
	assert.InDelta(t, 2, median([]float64{3, 1, 2}), 0)
	assert.InDelta(t, 2.5, median([]float64{4, 1, 2, 3}), 0)
}
