package html

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"meshgate/framework/report"
	"meshgate/framework/report/render/wording"
)

// maxOpen is how many features that did not pass are shown unfolded.
const maxOpen = 12

type suiteView struct {
	ID, Name, Promise, Error, Took string
	Counts                         []count
	Features                       []featureView
}

type featureView struct {
	ID, Suite, Name, Spec, Status, Sign string
	Took, Note, Cause                   string
	Hop                                 string // the first that is wrong, if that is known
	Told                                bool   // a step tells the cause
	Open                                bool
	Steps                               []stepView
}

type stepView struct {
	Name, Kind, Status, Sign string
	Meta                     []string // took, attempts, convergence
	Failure                  *failureView
	Evidence                 *evidenceView
}

type failureView struct {
	Message, Observation string
	Mismatches           []report.Mismatch
	More                 int // mismatches that are left out
	Way                  *wayView
}

type wayView struct {
	Sentence, Chosen string
	Hops             []report.Hop
	Unread           []string
}

// evidenceView is what was captured at a failure: the files that tell most, and
// the many others.
type evidenceView struct {
	Folder       string
	First, Other []fileView
	More         int // files that are left out
}

// fileView is a file beside the report; without Link it is one that lies elsewhere.
type fileView struct{ Name, Link string }

func suiteViews(t *texts, suites []report.Suite) []suiteView {
	var out []suiteView
	open := 0
	for i, s := range suites {
		v := suiteView{ID: fmt.Sprintf("s%d", i+1), Name: t.line(s.Name), Promise: t.line(s.Promise),
			Error: t.block(s.Error), Took: s.Took.String()}
		for j, f := range s.Features {
			fv := featureOf(t, f)
			fv.ID, fv.Suite = featureID(i, j), v.Name
			if fv.Cause != "" && report.Status(fv.Status) != report.Skip {
				open++
				fv.Open = open <= maxOpen
			}
			v.Features = append(v.Features, fv)
		}
		v.Counts = countsOf(judgedCounts(s))
		out = append(out, v)
	}
	return out
}

// judgedCounts counts the features of a suite by the status that was judged.
func judgedCounts(s report.Suite) report.Counts {
	var c report.Counts
	for _, f := range s.Features {
		status, _ := f.Judged()
		c.Add(status)
	}
	return c
}

func featureID(suite, feature int) string { return fmt.Sprintf("f%d-%d", suite+1, feature+1) }

func featureOf(t *texts, f report.Feature) featureView {
	status, cause := f.Judged()
	v := featureView{Name: t.line(f.Name), Spec: t.line(f.Spec), Status: string(status), Sign: sign(string(status)),
		Took: f.Took.String(), Cause: t.line(cause), Hop: t.line(wording.FirstWrongHop(f)), Told: tells(f, cause)}
	if status == report.Pass {
		v.Note = wording.PassNote(f)
	}
	for _, s := range f.Steps {
		v.Steps = append(v.Steps, stepOf(t, s))
	}
	return v
}

// tells says whether a step of the feature shows the cause anyway.
func tells(f report.Feature, cause string) bool {
	return slices.ContainsFunc(f.Steps, func(s report.Step) bool {
		return s.Failure != nil && (strings.Contains(cause, s.Failure.Message) || s.Cause() == cause)
	})
}

func stepOf(t *texts, s report.Step) stepView {
	status := string(s.Judged())
	v := stepView{Name: t.line(s.Name), Kind: t.line(string(s.Kind)), Status: status, Sign: sign(status),
		Meta: []string{s.Took.String()}, Evidence: evidenceOf(t, s.Evidence)}
	if s.Attempts > 1 {
		v.Meta = append(v.Meta, fmt.Sprintf("%d attempts", s.Attempts))
	}
	if s.ConvergedAfter != nil {
		v.Meta = append(v.Meta, "converged after "+s.ConvergedAfter.String())
	}
	if f := s.Failure; f != nil {
		v.Failure = &failureView{Message: t.block(f.Message), Observation: t.document(f.Observation), Way: wayOf(t, f.Way)}
		for i, m := range f.Mismatches {
			if i == maxList {
				v.Failure.More, t.cut = len(f.Mismatches)-i, t.cut+1
				break
			}
			v.Failure.Mismatches = append(v.Failure.Mismatches, report.Mismatch{Field: t.line(m.Field), Want: t.line(m.Want), Got: t.line(m.Got)})
		}
	}
	return v
}

func wayOf(t *texts, w *report.Way) *wayView {
	if w == nil {
		return nil
	}
	v := wayView{Sentence: t.line(w.Sentence), Chosen: t.document(w.Chosen), Unread: t.lines(w.Unread)}
	for i, h := range w.Hops {
		if i == maxList {
			t.cut++
			break
		}
		v.Hops = append(v.Hops, report.Hop{Name: t.line(h.Name), Pod: t.line(h.Pod), Did: t.line(h.Did), Line: t.block(h.Line), Wrong: h.Wrong})
	}
	return &v
}

func evidenceOf(t *texts, names []string) *evidenceView {
	if len(names) == 0 {
		return nil
	}
	folder := commonFolder(names)
	v := evidenceView{Folder: t.line(folder)}
	for i, name := range names {
		if i == maxList || t.left < 0 {
			v.More, t.cut = len(names)-i, t.cut+1
			break
		}
		rest := strings.TrimPrefix(name, folder)
		file := fileView{Name: t.line(rest), Link: beside(name)}
		t.left -= len(file.Link)
		if strings.Contains(rest, "/") {
			v.Other = append(v.Other, file)
		} else {
			v.First = append(v.First, file)
		}
	}
	return &v
}

// commonFolder is the deepest folder that all the files are in, with a slash at its
// end, or nothing.
func commonFolder(names []string) string {
	dir, _ := path.Split(names[0])
	for _, n := range names[1:] {
		for !strings.HasPrefix(n, dir) {
			dir, _ = path.Split(strings.TrimSuffix(dir, "/"))
		}
	}
	return dir
}
