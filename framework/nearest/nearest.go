// Package nearest finds what somebody meant who misspelt a name.
package nearest

import "fmt"

// To says which candidate is nearest to a name, for an error message.
func To(name string, candidates []string) string {
	if len(candidates) == 0 {
		return "there is none"
	}
	return fmt.Sprintf("the nearest there is: %q", Of(name, candidates))
}

// Of returns the candidate that is the fewest edits away from name; of none, "".
func Of(name string, candidates []string) string {
	best, least := "", -1
	for _, c := range candidates {
		if d := distance(name, c); least < 0 || d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is Levenshtein's: single-character inserts, deletes and replacements.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal, row[j] = row[j], min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
