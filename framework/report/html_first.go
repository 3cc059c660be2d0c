package report

import (
	"cmp"
	"slices"

	"meshgate/framework/printable"
)

// firstView is a thing to look at first, and where on the page it is told.
type firstView struct {
	Link                   string
	Status                 Status
	Sign, Name, Cause, Hop string
}

// urgent is what is not good, a broken promise first: that is what the run was for.
// Cells of the kill matrix are told by the matrix.
func (p page) urgent() []firstView {
	var out []firstView
	add := func(link string, status Status, name, cause, hop string) {
		out = append(out, firstView{"#" + link, status, sign(string(status)), name, cause, hop})
	}
	for _, ph := range p.Phases {
		if ph.Error != "" {
			add("phases", Error, "phase "+ph.Name, printable.Short(ph.Error, maxHTMLLine), "")
		}
	}
	for _, s := range p.Suites {
		if s.Error != "" {
			add(s.ID, Error, s.Name, printable.Short(s.Error, maxHTMLLine), "")
		}
		for _, f := range s.Features {
			if Status(f.Status).gravity() > 0 && !p.Claims {
				add(f.ID, Status(f.Status), s.Name+" / "+f.Name, f.Cause, f.Hop)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b firstView) int { return cmp.Compare(b.Status.gravity(), a.Status.gravity()) })
	return out
}
