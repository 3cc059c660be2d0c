package runner

import (
	"context"
	"meshgate/framework/suite"

	"meshgate/framework/report"
)

// Round is one pass over the features of suites that stand.
type Round struct {
	// Wrong is what is made wrong, by Key; a feature that is not named is right.
	Wrong map[string]*suite.Sabotage
	// Only are the features that are asked, by Key; nil means all. Of these the
	// configuration selects.
	Only map[string]bool
	// Expected tells of a failed step whether it had to fail, and by which mismatch. No
	// evidence is captured of such a failure, and it is not waited for until its deadline.
	// What a sabotage declares is expected anyway; nil: nothing else is.
	Expected func(suite, feature string, s report.Step) (report.Mismatch, bool)
	// Follow has requests followed from hop to hop also where they had to fail.
	Follow bool
	// Ended is called when a feature has ended, and what it made still stands; nil: nobody.
	Ended func(ctx context.Context, suite, feature string)
}

// Key names a feature among those of all suites.
func Key(suite, feature string) string { return suite + "/" + feature }

func (r Round) has(of string, f suite.Feature) bool { return r.Only == nil || r.Only[Key(of, f.Name)] }

// conduct is how a feature is run in the round.
func (r Round) conduct(of string, f suite.Feature) conduct {
	switch wrong := r.Wrong[Key(of, f.Name)]; {
	case wrong != nil:
		return sabotaged{wrong}
	case r.Expected != nil:
		return underDefect{suite: of, expect: r.Expected}
	}
	return asDeclared{}
}

// SabotageRounds make everything wrong that the features declare, one thing of a feature
// at a time. The first two rounds have a wrong one beside each right one, which must stay
// green; after that all that is left to make wrong is so at once, for each feature
// touches nothing but its own: what harms another one has it fail elsewhere than
// declared. Features that asked leaves out are not asked.
func SabotageRounds(suites []suite.Suite, asked func(suite string, f suite.Feature) bool) []Round {
	rounds := Halves(suites, asked, 0)
	for nth := 1; ; nth++ {
		r := Round{Wrong: map[string]*suite.Sabotage{}, Only: map[string]bool{}}
		for _, s := range suites {
			for _, f := range s.Features {
				if asked(s.Name, f) && nth < len(f.Sabotage) {
					r.Wrong[Key(s.Name, f.Name)], r.Only[Key(s.Name, f.Name)] = &f.Sabotage[nth], true
				}
			}
		}
		if len(r.Wrong) == 0 {
			return rounds
		}
		rounds = append(rounds, r)
	}
}

// Halves are two rounds over all features: in each every other one is wrong, in its nth
// way, or in its last if it has fewer.
func Halves(suites []suite.Suite, asked func(suite string, f suite.Feature) bool, nth int) []Round {
	rounds := make([]Round, 2)
	for half := range rounds {
		r := Round{Wrong: map[string]*suite.Sabotage{}, Only: map[string]bool{}}
		for _, s := range suites {
			for i, f := range s.Features {
				if !asked(s.Name, f) {
					continue
				}
				r.Only[Key(s.Name, f.Name)] = true
				if i%2 == half {
					r.Wrong[Key(s.Name, f.Name)] = &f.Sabotage[min(nth, len(f.Sabotage)-1)]
				}
			}
		}
		rounds[half] = r
	}
	return rounds
}
