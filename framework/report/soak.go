package report

// Soak is what repeated runs on one standing mesh showed.
type Soak struct {
	// Runs counts those that ended.
	Runs int `json:"runs"`
	// Disturbance is what was done to the infrastructure meanwhile; empty: nothing.
	Disturbance string     `json:"disturbance,omitempty"`
	Steps       []StepRuns `json:"steps"`
}

// StepRuns is what one step did over all runs.
type StepRuns struct {
	Suite   string `json:"suite"`
	Feature string `json:"feature"`
	Step    string `json:"step"`
	Runs    int    `json:"runs"`
	// Failures counts the runs in which it did not pass.
	Failures int `json:"failures"`
	// Retries counts the looks beyond the first of each run.
	Retries int `json:"retries"`
	// Took and Converged are distributions over the runs; Converged is of those runs in
	// which a change of configuration was waited for.
	Took      Spread  `json:"took"`
	Converged *Spread `json:"converged,omitempty"`
}

// Spread is a distribution.
type Spread struct {
	Least  Seconds `json:"leastSeconds"`
	Median Seconds `json:"medianSeconds"`
	// P90 is the value that nine of ten do not exceed.
	P90  Seconds `json:"p90Seconds"`
	Most Seconds `json:"mostSeconds"`
}
