package suite

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"meshgate/framework/report"
)

// Kill is what became of one feature while some fixtures were wrong on purpose.
type Kill struct {
	Feature  string
	Sabotage string // empty for a feature whose fixtures were left right
	Want     string // the mismatch that must be named, or "green"
	Got      string
	OK       bool
}

// Kills compares a run with what was done to its fixtures: each wrong one must have
// turned its own feature red, for the declared reason, and no other feature. What
// was skipped for an absent capability is left out. Features are named by Key.
func Kills(run report.Run, wrong map[string]*Sabotage) []Kill {
	var kills []Kill
	left := maps.Clone(wrong)
	for _, s := range run.Suites {
		for _, f := range s.Features {
			delete(left, Key(s.Name, f.Name))
			if f.Status != report.Skip {
				kills = append(kills, killOf(f, wrong[Key(s.Name, f.Name)]))
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		_, name, _ := strings.Cut(key, "/")
		kills = append(kills, Kill{Feature: name, Sabotage: left[key].Name, Want: left[key].Field, Got: "the feature did not run"})
	}
	return kills
}

// Key names a feature among those of all suites.
func Key(suite, feature string) string { return suite + "/" + feature }

func killOf(f report.Feature, s *Sabotage) Kill {
	status, reason := f.Judged()
	k := Kill{Feature: f.Name, Want: "green", Got: string(status)}
	if s == nil {
		k.OK = status == report.Pass
		if !k.OK {
			k.Got += ": " + reason
		}
		return k
	}
	k.Sabotage, k.Want = s.Name, s.Field
	var fields []string
	for _, step := range f.Steps {
		if step.Failure != nil {
			for _, m := range step.Failure.Mismatches {
				fields = append(fields, m.Field)
				k.Got = fmt.Sprintf("%s: want %s, got %s", m.Field, m.Want, m.Got)
				if m.Field == s.Field {
					k.OK = status == report.Fail
					return k
				}
			}
		}
	}
	if len(fields) == 0 && status != report.Pass {
		k.Got += ": " + reason
	}
	return k
}
