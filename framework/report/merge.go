package report

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Merge makes one run of the runs of several processes, and judges it. Order of
// the arguments does not matter: runs are taken by start time, suites and
// features all kept, even under equal names. Where the parts disagree about what
// they ran on, the first one's word is taken and Notes says that they differ. A
// run without an end counts as an infrastructure error: its process crashed, or
// has not finished.
func Merge(runs ...Run) Run {
	if len(runs) == 0 {
		var none Run
		none.Verdict = Judge(none, false)
		return none
	}
	parts := slices.Clone(runs)
	slices.SortStableFunc(parts, func(a, b Run) int {
		return cmp.Or(a.Started.Compare(b.Started), strings.Compare(suiteNames(a), suiteNames(b)))
	})
	out := parts[0]
	out.Notes = slices.Clone(out.Notes)
	out.Phases = slices.Clone(out.Phases)
	out.Suites = slices.Clone(out.Suites)
	for _, p := range parts[1:] {
		out.take(p)
	}
	for _, p := range parts {
		if p.Ended.IsZero() {
			out.Phases = append(out.Phases, Phase{Name: "run of " + suiteNames(p), Started: p.Started,
				Error: "has not reported its end: its process crashed or is still running"})
		}
	}
	out.Verdict = Judge(out, out.RequireFull)
	return out
}

func (r *Run) take(p Run) {
	if p.Ended.After(r.Ended) {
		r.Ended = p.Ended
	}
	r.note(p, "facts", r.Facts.take(p.Facts))
	r.note(p, "configuration", reflect.DeepEqual(r.Config, p.Config))
	r.note(p, "build of meshgate", r.Meshgate == p.Meshgate)
	r.RequireFull = r.RequireFull || p.RequireFull
	r.Interrupted = cmp.Or(r.Interrupted, p.Interrupted)
	r.Selection.Offered += p.Selection.Offered
	r.Phases = append(r.Phases, p.Phases...)
	r.Suites = append(r.Suites, p.Suites...)
	r.Notes = append(r.Notes, p.Notes...)
}

func (r *Run) note(p Run, what string, same bool) {
	if !same {
		r.Notes = append(r.Notes, fmt.Sprintf("the %s of the process of %s differ from those shown", what, suiteNames(p)))
	}
}

// take fills what is unknown from other, and says whether they agree.
func (f *Facts) take(other Facts) bool {
	same := fill(&f.Cluster, other.Cluster)
	same = fill(&f.Mesh, other.Mesh) && same
	same = fill(&f.Capabilities, other.Capabilities) && same
	return fill(&f.Bundle, other.Bundle) && same
}

// fill takes what other knows if nothing is known yet. Who made the cluster or
// the mesh differs between processes by nature: the first made what others took.
func fill[T any](known *T, other T) bool {
	if reflect.ValueOf(*known).IsZero() {
		*known = other
		return true
	}
	return reflect.ValueOf(other).IsZero() || reflect.DeepEqual(shared(*known), shared(other))
}

func shared(v any) any {
	switch f := v.(type) {
	case ClusterFacts:
		f.Created, f.Adaptations = false, nil
		return f
	case MeshFacts:
		f.Taken, f.Notes = false, nil
		return f
	default:
		return v
	}
}

func suiteNames(r Run) string {
	var names []string
	for _, s := range r.Suites {
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return strings.Join(r.Command, " ")
	}
	return strings.Join(names, ", ")
}
