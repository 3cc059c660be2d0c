package html

import (
	"cmp"
	"slices"

	"meshgate/framework/printable"
	"meshgate/framework/report"
)

// firstView is a thing to look at first, and where on the page it is told.
type firstView struct {
	Link                   string
	Status                 report.Status
	Sign, Name, Cause, Hop string
}

// urgent is what is not good, a broken promise first: that is what the run was for.
// Cells of the kill matrix are told by the matrix.
func (p page) urgent() []firstView {
	var out []firstView
	add := func(link string, status report.Status, name, cause, hop string) {
		out = append(out, firstView{"#" + link, status, sign(string(status)), name, cause, hop})
	}
	for _, ph := range p.Phases {
		if ph.Error != "" {
			add("phases", report.Error, "phase "+ph.Name, printable.Short(ph.Error, maxLine), "")
		}
	}
	for _, s := range p.Suites {
		if s.Error != "" {
			add(s.ID, report.Error, s.Name, printable.Short(s.Error, maxLine), "")
		}
		for _, f := range s.Features {
			if report.Status(f.Status).Severity() > 0 && !p.Claims {
				add(f.ID, report.Status(f.Status), s.Name+" / "+f.Name, f.Cause, f.Hop)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b firstView) int { return cmp.Compare(b.Status.Severity(), a.Status.Severity()) })
	return out
}
