package wait

// Polling says how often a condition is looked at, and what that proves.
type Polling int

const (
	// Once looks at the first attempt only.
	Once Polling = iota
	// UntilMet looks until the condition is met, see Until.
	UntilMet
	// OverTheWindow looks over a whole window, in which the condition must hold at every
	// look, see Throughout.
	OverTheWindow
)
