package report

import "fmt"

// Kill is one cell of the kill matrix: what was made wrong, the feature that had to see
// it, and whether it did.
type Kill struct {
	// By says who was made wrong: the suite's own configuration, or the mesh.
	By KillKind `json:"by"`
	// Wrong names the sabotage or the defect; empty for a feature that was left right
	// beside wrong ones, and had to stay green.
	Wrong   string `json:"wrong,omitempty"`
	Suite   string `json:"suite"`
	Feature string `json:"feature"`
	// Step and Field are declared: where the feature had to turn red, and by which mismatch.
	Step  string `json:"step,omitempty"`
	Field string `json:"field,omitempty"`
	// Hop is declared too, where it is: the first wrong hop that the failure must name.
	Hop     string      `json:"hop,omitempty"`
	Outcome KillOutcome `json:"outcome"`
	// Got is what was seen: the step that failed and why, or that none did.
	Got  string  `json:"got"`
	Took Seconds `json:"tookSeconds"`
	// Evidence lists the files captured where a feature failed otherwise than declared.
	Evidence []string `json:"evidence,omitempty"`
}

// KillKind says who was made wrong.
type KillKind string

// Who can be made wrong.
const (
	// Sabotaged: the configuration that the feature itself makes.
	Sabotaged KillKind = "sabotage"
	// Defective: the mesh, under features whose configuration is right.
	Defective KillKind = "defect"
)

// KillOutcome says what became of a feature while something was wrong.
type KillOutcome string

// What can become of it. The first two are as declared.
const (
	// Killed: red, at the declared step, for the declared field.
	Killed KillOutcome = "killed"
	// Unharmed: nothing was wrong with this one, and it stayed green.
	Unharmed KillOutcome = "unharmed"
	// Survived: green although something was wrong.
	Survived KillOutcome = "survived"
	// WrongReason: red, but at another step, for another field or with another first wrong hop.
	WrongReason KillOutcome = "wrong-reason"
	// Collateral: red although nothing was wrong with this one.
	Collateral KillOutcome = "collateral"
	// NotShown: what was wrong was not seen to be in effect, or the feature could not be
	// asked; this proves nothing.
	NotShown KillOutcome = "not-shown"
)

// Name is the row of the matrix.
func (k Kill) Name() string {
	if k.Wrong == "" {
		return k.Feature + ", left right"
	}
	return k.Feature + ": " + k.Wrong
}

// Claim is the cell as a feature of a report whose promise is that the suite sees what
// is wrong: so it is judged, counted and shown like any other.
func (k Kill) Claim() Feature {
	want := fmt.Sprintf("red at %q by %q", k.Step, k.Field)
	if k.Hop != "" {
		want += fmt.Sprintf(", the first wrong hop %q", k.Hop)
	}
	if k.Wrong == "" {
		want = "green"
	}
	f := Feature{Name: k.Name(), Took: k.Took, Status: k.Status()}
	step := Step{Name: want, Kind: Assertion, Status: f.Status, Took: k.Took}
	if f.Status != Pass {
		f.Reason = string(k.Outcome) + ": want " + want + ", got " + k.Got
		step.Failure = &Failure{Message: f.Reason}
	}
	f.Steps = []Step{step}
	return f
}

// Status judges the cell as a feature is judged: what went as declared is a pass, and a
// cell that proves nothing is inconclusive.
func (k Kill) Status() Status {
	switch k.Outcome {
	case Killed, Unharmed:
		return Pass
	case NotShown:
		return Inconclusive
	default:
		return Fail
	}
}

// Claims are the cells as suites, one for each suite and kind, in order of appearance.
func Claims(kills []Kill) []Suite {
	var out []Suite
	at := map[string]int{}
	for _, k := range kills {
		name := string(k.By) + " of " + k.Suite
		i, there := at[name]
		if !there {
			i = len(out)
			at[name] = i
			out = append(out, Suite{Name: name, Promise: "What is wrong on purpose turns the features red that must see it, and no other."})
		}
		out[i].Features = append(out[i].Features, k.Claim())
		out[i].Took += k.Took
	}
	return out
}
