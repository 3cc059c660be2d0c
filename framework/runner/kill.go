package runner

import (
	"fmt"
	"maps"
	"meshgate/framework/suite"
	"slices"
	"strings"

	"meshgate/framework/report"
)

// Kills compares what a round found with what was made wrong in it: each sabotage must
// have turned its own feature red, at the declared step for the declared field, and no
// other feature. What was skipped for an absent capability is left out.
func Kills(suites []suite.Suite, r Round, found []report.Suite) []report.Kill {
	var kills []report.Kill
	missing := maps.Clone(r.Wrong)
	for _, s := range found {
		for _, f := range s.Features {
			key := Key(s.Name, f.Name)
			wrong := missing[key]
			delete(missing, key)
			if f.Status != report.Skip {
				kills = append(kills, killOf(suites, s.Name, f, wrong))
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(missing)) {
		k := declared(suites, key, missing[key])
		k.Outcome, k.Got = report.NotShown, "the feature did not run"
		kills = append(kills, k)
	}
	return kills
}

func killOf(suites []suite.Suite, suite string, f report.Feature, wrong *suite.Sabotage) report.Kill {
	k := declared(suites, Key(suite, f.Name), wrong)
	k.Took = f.Took
	Compare(&k, f)
	return k
}

// declared is the cell of the matrix before anything was seen.
func declared(suites []suite.Suite, key string, wrong *suite.Sabotage) report.Kill {
	of, name, _ := strings.Cut(key, "/")
	k := report.Kill{By: report.Sabotaged, Suite: of, Feature: name}
	if wrong == nil {
		return k
	}
	k.Wrong, k.Field = wrong.Name, string(wrong.Field)
	for _, s := range suites {
		for _, f := range s.Features {
			if s.Name == of && f.Name == name {
				k.Step = Target(f, *wrong)
			}
		}
	}
	return k
}

// Compare says of a cell what came of it. A kill is red for the mesh's sake at the
// declared step, with the declared field among the mismatches, and where one is declared
// with that first wrong hop.
func Compare(k *report.Kill, f report.Feature) {
	status, reason := f.Judged()
	at, failed := firstRed(f)
	switch {
	case status == report.Pass && k.Wrong == "":
		k.Outcome, k.Got = report.Unharmed, "green"
	case status == report.Pass:
		k.Outcome, k.Got = report.Survived, "green"
	case k.Wrong == "":
		k.Outcome, k.Got = report.Collateral, string(status)+": "+reason
	case !failed || status != report.Fail:
		k.Outcome, k.Got = report.NotShown, string(status)+": "+reason
	default:
		k.Outcome, k.Got = report.WrongReason, fmt.Sprintf("%q failed: %s", at.Name, at.Failure.Message)
		if m, ok := Named(at, k.Step, k.Field); ok {
			k.Outcome, k.Got = report.Killed, fmt.Sprintf("want %s, got %s", m.Want, m.Got)
		}
		if first, sentence := firstWrong(at); k.Hop != "" && first != k.Hop && k.Outcome == report.Killed {
			k.Outcome, k.Got = report.WrongReason, fmt.Sprintf("the first wrong hop is %q: %s; %s", first, sentence, k.Got)
		}
	}
	if k.Outcome != report.Killed {
		k.Evidence = at.Evidence
	}
}

// Named is the mismatch by which a step failed, if it is the one declared, for the field
// declared.
func Named(s report.Step, step, field string) (report.Mismatch, bool) {
	if s.Name != step || s.Failure == nil {
		return report.Mismatch{}, false
	}
	i := slices.IndexFunc(s.Failure.Mismatches, func(m report.Mismatch) bool { return m.Field == field })
	if i < 0 {
		return report.Mismatch{}, false
	}
	return s.Failure.Mismatches[i], true
}

// firstWrong is the first wrong hop that a step's failure names, and in which words.
func firstWrong(s report.Step) (hop, sentence string) {
	if s.Failure.Way == nil {
		return "", "no request was followed"
	}
	return s.Failure.Way.FirstWrong, s.Failure.Way.Sentence
}

// firstRed is the step at which a feature failed.
func firstRed(f report.Feature) (report.Step, bool) {
	for _, s := range f.Steps {
		if s.Status == report.Fail && s.Failure != nil {
			return s, true
		}
	}
	return report.Step{}, false
}
