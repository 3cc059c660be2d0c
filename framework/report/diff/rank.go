package diff

import (
	"cmp"
	"math"
	"slices"
)

// signedRank is Wilcoxon's test of paired values: differences that are 0 are left out,
// and p is how often, if each of the other n had its sign by chance, the sum of the
// ranks on one side would be as far from its middle as it is. p is exact, ties included:
// it is counted from the ranks as they are and not taken from the normal distribution.
func signedRank(differences []float64) (n int, p float64) {
	ranks, positive := doubledRanks(differences)
	if len(ranks) == 0 {
		return 0, 1
	}
	total := 0
	for _, r := range ranks {
		total += r
	}
	far := math.Abs(float64(positive) - float64(total)/2)
	for sum, share := range signSums(ranks, total) {
		if math.Abs(float64(sum)-float64(total)/2) >= far {
			p += share
		}
	}
	return len(ranks), min(1, p)
}

// doubledRanks are twice the ranks of the differences by size, so that the mean rank of
// equal ones is a whole number too, and the sum of those that are positive.
func doubledRanks(differences []float64) (ranks []int, positive int) {
	d := slices.DeleteFunc(slices.Clone(differences), func(x float64) bool { return x == 0 })
	slices.SortFunc(d, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	for from := 0; from < len(d); {
		to := from
		for to < len(d) && math.Abs(d[to]) == math.Abs(d[from]) {
			to++
		}
		for _, x := range d[from:to] {
			ranks = append(ranks, from+1+to) // twice the mean of from+1 … to
			if x > 0 {
				positive += from + 1 + to
			}
		}
		from = to
	}
	return ranks, positive
}

// signSums is, for each sum, the share of all ways to give signs to the ranks in which
// the positive ones add up to it.
func signSums(ranks []int, total int) []float64 {
	share := make([]float64, total+1)
	share[0] = 1
	reached := 0
	for _, r := range ranks {
		reached += r
		for sum := reached; sum >= 0; sum-- {
			share[sum] /= 2
			if sum >= r {
				share[sum] += share[sum-r] / 2
			}
		}
	}
	return share
}

// apart is how often, by chance alone, all of a values would lie on one side of all of b
// others: the extreme of Mann and Whitney's test, the only one of its cases that can be
// told from the least and the most of each.
func apart(a, b int) float64 {
	ways := 1.0
	for i := 1; i <= b; i++ {
		ways = ways * float64(a+i) / float64(i)
	}
	return min(1, 2/ways)
}

// holm raises p-values so that each can be held against one level although there are
// many of them: the chance of calling any noise a difference stays below that level.
func holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	out := make([]float64, len(p))
	highest := 0.0
	for i, at := range order {
		highest = max(highest, min(1, p[at]*float64(len(p)-i)))
		out[at] = highest
	}
	return out
}

// median wants at least one value.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	mid := len(v) / 2
	if len(v)%2 == 1 {
		return v[mid]
	}
	return (v[mid-1] + v[mid]) / 2
}
