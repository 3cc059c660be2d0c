package diff

import (
	"fmt"

	"meshgate/framework/report"
)

// Place is a feature, or a step of one.
type Place struct {
	Suite   string `json:"suite"`
	Feature string `json:"feature"`
	Step    string `json:"step,omitempty"`
	// nth tells equal names apart: a merged report keeps both.
	nth int
}

// String is the place as people write it.
func (p Place) String() string {
	name := p.Suite + "/" + p.Feature
	if p.Step != "" {
		name += ": " + p.Step
	}
	if p.nth > 0 {
		name += fmt.Sprintf(" (#%d)", p.nth+1)
	}
	return name
}

// Feature is one that both runs have, and whose status changed.
type Feature struct {
	Place
	Was      report.Status `json:"was"`
	Is       report.Status `json:"is"`
	WasCause string        `json:"wasCause,omitempty"`
	IsCause  string        `json:"isCause,omitempty"`
	// Worse: green before, and not now.
	Worse bool `json:"worse"`
}

// Failure is a step that failed in one of the runs at least, and one field of what it
// saw that is not the same in both.
type Failure struct {
	Place
	// Was and Is are null where nothing was said of the field.
	Was *report.Mismatch `json:"was" jsonschema:"nullable"`
	Is  *report.Mismatch `json:"is" jsonschema:"nullable"`
}

// table is named things in the order in which they came.
type table[T any] struct {
	order []Place
	at    map[Place]T
}

func (t *table[T]) add(p Place, v T) {
	if t.at == nil {
		t.at = map[Place]T{}
	}
	for ; ; p.nth++ {
		if _, taken := t.at[p]; !taken {
			break
		}
	}
	t.at[p], t.order = v, append(t.order, p)
}

func featuresOf(run report.Run) table[report.Feature] {
	var t table[report.Feature]
	for _, s := range run.Suites {
		for _, f := range s.Features {
			t.add(Place{Suite: s.Name, Feature: f.Name}, f)
		}
	}
	return t
}

func stepsOf(p Place, f report.Feature) table[report.Step] {
	var t table[report.Step]
	for _, s := range f.Steps {
		t.add(Place{Suite: p.Suite, Feature: p.Feature, Step: s.Name, nth: p.nth}, s)
	}
	return t
}

// features fills in what became of each feature.
func (d *Diff) features(a, b report.Run) {
	d.Features, d.Came, d.Went, d.Failures = []Feature{}, []Place{}, []Place{}, []Failure{}
	was, is := featuresOf(a), featuresOf(b)
	for _, p := range was.order {
		f, there := is.at[p]
		if !there {
			d.went(p, was.at[p], b)
			continue
		}
		d.feature(p, was.at[p], f)
	}
	for _, p := range is.order {
		if _, there := was.at[p]; !there {
			d.Came = append(d.Came, p)
		}
	}
}

// went is worse if the feature was green, unless B was told to leave it out: a run that
// broke off has lost what it does not report.
func (d *Diff) went(p Place, f report.Feature, b report.Run) {
	d.Went = append(d.Went, p)
	if status, _ := f.Judged(); status == report.Pass && !leavesOut(b, p) {
		d.Worse = append(d.Worse, fmt.Sprintf("%s was green and is not in B, which was not told to leave it out", p))
	}
}

func (d *Diff) feature(p Place, was, is report.Feature) {
	wasStatus, wasCause := was.Judged()
	isStatus, isCause := is.Judged()
	if wasStatus != isStatus {
		worse := wasStatus == report.Pass
		d.Features = append(d.Features, Feature{p, wasStatus, isStatus, wasCause, isCause, worse})
		if worse {
			d.Worse = append(d.Worse, fmt.Sprintf("%s was green and is %s", p, isStatus))
		}
	}
	d.steps(stepsOf(p, was), stepsOf(p, is), wasStatus, isStatus)
}

// steps that are missing behind a failure were not reached; that is no news of them. A
// cleanup is only reported when it failed.
func (d *Diff) steps(was, is table[report.Step], wasStatus, isStatus report.Status) {
	for _, p := range was.order {
		step, there := is.at[p]
		if there || isStatus == report.Pass {
			d.failures(p, seen(was.at[p]), seen(step))
		}
		if !there && isStatus == report.Pass && was.at[p].Kind != report.Cleanup {
			d.Went = append(d.Went, p)
		}
	}
	for _, p := range is.order {
		if _, there := was.at[p]; there {
			continue
		}
		d.failures(p, nil, seen(is.at[p]))
		if wasStatus == report.Pass && is.at[p].Kind != report.Cleanup {
			d.Came = append(d.Came, p)
		}
	}
}

// seen is what a failed step saw, by field; a failure without fields is its message.
func seen(s report.Step) []report.Mismatch {
	if s.Failure == nil || s.Status == report.Skip || s.Status == report.Pass {
		return nil
	}
	if len(s.Failure.Mismatches) > 0 {
		return s.Failure.Mismatches
	}
	return []report.Mismatch{{Field: "message", Got: s.Failure.Message}}
}

func (d *Diff) failures(p Place, was, is []report.Mismatch) {
	before, after := byField(was), byField(is)
	for _, field := range before.order {
		m := before.at[field]
		if now, there := after.at[field]; !there {
			d.Failures = append(d.Failures, Failure{p, &m, nil})
		} else if now != m {
			d.Failures = append(d.Failures, Failure{p, &m, &now})
		}
	}
	for _, field := range after.order {
		if _, there := before.at[field]; !there {
			m := after.at[field]
			d.Failures = append(d.Failures, Failure{p, nil, &m})
		}
	}
}

func byField(all []report.Mismatch) table[report.Mismatch] {
	var t table[report.Mismatch]
	for _, m := range all {
		t.add(Place{Step: m.Field}, m)
	}
	return t
}
