package html

import (
	"fmt"
	"time"

	"meshgate/framework/report"
)

// timeline is when what happened, in rows below one another: what overlaps ran
// side by side.
type timeline struct {
	Length  string
	Ticks   []tick
	Groups  []rowGroup
	Untimed int // features that have no times and no row
}

type rowGroup struct {
	Name string
	Rows []row
}

// row is a line of the picture.
type row struct {
	Name, Link, Status, Sign, Class string
	Took, When                      string
	Bars                            []bar
}

type bar struct{ X, Width, Class, Title string }

// drawing knows the time at the picture's left and how long its width is.
type drawing struct {
	*texts
	scale

	start time.Time
}

// timelineOf is nil where nothing has a time.
func timelineOf(t *texts, run report.Run) *timeline {
	d := drawing{texts: t, start: run.Started}
	d.length = lastMoment(run).Sub(run.Started)
	if run.Started.IsZero() || d.length <= 0 {
		return nil
	}
	out := timeline{Length: report.Seconds(d.length).String(), Ticks: d.ticks()}
	if len(run.Phases) > 0 {
		g := rowGroup{Name: "Phases"}
		for _, p := range run.Phases {
			if !p.Started.IsZero() {
				g.Rows = append(g.Rows, d.phase(p))
			}
		}
		out.Groups = append(out.Groups, g)
	}
	for i, s := range run.Suites {
		g, untimed := d.suite(i, s)
		out.Untimed += untimed
		if len(g.Rows) > 0 {
			out.Groups = append(out.Groups, g)
		}
	}
	return &out
}

// lastMoment is the end of the run, or of what was last seen of one that did not end.
func lastMoment(run report.Run) time.Time {
	last := run.Ended
	later := func(start time.Time, took report.Seconds) {
		if end := start.Add(time.Duration(took)); !start.IsZero() && end.After(last) {
			last = end
		}
	}
	for _, p := range run.Phases {
		later(p.Started, p.Took)
	}
	for _, s := range run.Suites {
		for _, f := range s.Features {
			later(f.Started, f.Took)
		}
	}
	return last
}

func (d drawing) phase(p report.Phase) row {
	status := report.Pass
	if p.Error != "" {
		status = report.Error
	}
	return d.row(p.Name, "#phases", "phase", status, p.Started, p.Took)
}

// suite has a row of its own, and one for each of its features.
func (d drawing) suite(i int, s report.Suite) (g rowGroup, untimed int) {
	g.Name = d.line(s.Name)
	for j, f := range s.Features {
		if f.Started.IsZero() {
			untimed++
			continue
		}
		g.Rows = append(g.Rows, d.feature(featureID(i, j), f))
	}
	return g, untimed
}

func (d drawing) feature(id string, f report.Feature) row {
	status, _ := f.Judged()
	l := d.row(f.Name, "#"+id, "feature", status, f.Started, f.Took)
	for _, s := range f.Steps {
		if !s.Started.IsZero() {
			l.Bars = append(l.Bars, d.step(s))
		}
	}
	return l
}

func (d drawing) row(name, link, class string, status report.Status, start time.Time, took report.Seconds) row {
	l := row{Name: d.line(name), Link: link, Class: class, Status: string(status), Sign: sign(string(status)), Took: took.String()}
	l.When = d.when(start, took)
	l.Bars = []bar{d.bar(class+" "+l.Status, l.Name+": "+l.Status+", "+l.When, start, took)}
	return l
}

// step is coloured by what it is for, and if it is not good by its status.
func (d drawing) step(s report.Step) bar {
	status := s.Judged()
	class := string(status)
	if status == report.Pass {
		class = kindClass(s.Kind)
	}
	title := fmt.Sprintf("%s %s: %s, %s", d.line(string(s.Kind)), d.line(s.Name), status, d.when(s.Started, s.Took))
	if s.Attempts > 1 {
		title += fmt.Sprintf(", %d attempts", s.Attempts)
	}
	return d.bar("step "+class, title, s.Started, s.Took)
}

func kindClass(k report.Kind) string {
	switch k {
	case report.Action, report.Control, report.Cleanup:
		return string(k)
	default:
		return string(report.Assertion)
	}
}

func (d drawing) bar(class, title string, start time.Time, took report.Seconds) bar {
	from := start.Sub(d.start)
	x, width := d.span(from, from+time.Duration(took))
	return bar{X: x, Width: width, Class: class, Title: title}
}

// when is a time in the words of a title: seconds since the run's start, and the clock.
func (d drawing) when(start time.Time, took report.Seconds) string {
	from := report.Seconds(start.Sub(d.start))
	return fmt.Sprintf("%s to %s after the start, took %s (at %s)", from, from+took, took, start.UTC().Format("15:04:05 MST"))
}
