package report

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"meshgate/framework/printable"
)

// metric is one family of metrics, and how it is read from a run.
type metric struct {
	name, help string
	samples    func(Run) []sample
}

// sample is one value; its labels are names and values by turns.
type sample struct {
	labels []string
	value  float64
}

// metrics is the table of families. All are gauges: a run is a state that was found.
func metrics() []metric {
	return []metric{
		{"meshgate_run_info", "What the run was and what it ran on; always 1.", infoSamples},
		{"meshgate_run_end_timestamp_seconds", "When the run ended, in seconds since 1970.", endSamples},
		{"meshgate_run_duration_seconds", "How long the run took.", durationSamples},
		{"meshgate_verdict", "The verdict on the run; 1 for the outcome that holds.", verdictSamples},
		{"meshgate_feature_status", "The status of a feature as judged; 1 for the one that holds.", eachFeature(statusSamples)},
		{"meshgate_feature_duration_seconds", "How long a feature took that was not skipped.", eachFeature(tookSamples)},
		{"meshgate_step_convergence_seconds", "Time from configuration applied to effect observed.", eachFeature(convergenceSamples)},
	}
}

// Metrics gives the run in Prometheus' text format, which OpenMetrics readers take too:
// for a node exporter's textfile collector or a push gateway. Of two samples with the
// same labels only the first is written, because a reader would refuse both.
func Metrics(run Run) ([]byte, error) {
	run = run.Redacted(onOneLine{})
	var b bytes.Buffer
	for _, m := range metrics() {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n", m.name, m.help, m.name)
		seen := map[string]bool{}
		for _, s := range m.samples(run) {
			if labels := labelled(s.labels); !seen[labels] {
				seen[labels] = true
				fmt.Fprintf(&b, "%s%s %s\n", m.name, labels, strconv.FormatFloat(s.value, 'f', -1, 64))
			}
		}
	}
	b.WriteString("# EOF\n")
	return b.Bytes(), nil
}

// onOneLine is a redactor that leaves nothing in a text which is not printable.
type onOneLine struct{}

func (onOneLine) String(s string) string  { return printable.Line(s) }
func (onOneLine) JSON(data []byte) []byte { return data }

// labelled writes labels; the format asks for three escapes in a value.
func labelled(labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	var pairs []string
	for i := 0; i+1 < len(labels); i += 2 {
		pairs = append(pairs, labels[i]+`="`+escape.Replace(labels[i+1])+`"`)
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

func infoSamples(r Run) []sample {
	return []sample{{[]string{
		"run", r.ID, "meshgate_version", r.Meshgate.Version, "commit", r.Meshgate.Commit,
		"flavour", r.Facts.Mesh.Flavour, "mesh_version", r.Facts.Mesh.Version, "revision", r.Facts.Mesh.Revision,
		"provider", r.Facts.Cluster.Provider, "kubernetes", r.Facts.Cluster.Kubernetes,
	}, 1}}
}

func endSamples(r Run) []sample {
	if r.Ended.IsZero() {
		return nil
	}
	return []sample{{value: float64(r.Ended.UnixMilli()) / 1000}}
}

func durationSamples(r Run) []sample {
	if r.Ended.IsZero() {
		return nil
	}
	return []sample{{value: r.Ended.Sub(r.Started).Seconds()}}
}

func verdictSamples(r Run) []sample {
	return []sample{{[]string{"outcome", string(r.Verdict.Outcome)}, 1}}
}

// eachFeature gathers what is read from each feature; the labels given name it.
func eachFeature(of func(f Feature, labels []string) []sample) func(Run) []sample {
	return func(r Run) []sample {
		var out []sample
		for _, s := range r.Suites {
			for _, f := range s.Features {
				out = append(out, of(f, []string{"suite", s.Name, "feature", f.Name})...)
			}
		}
		return out
	}
}

func statusSamples(f Feature, labels []string) []sample {
	status, _ := f.Judged()
	return []sample{{append(labels, "status", string(status)), 1}}
}

func tookSamples(f Feature, labels []string) []sample {
	if status, _ := f.Judged(); status == Skip {
		return nil
	}
	return []sample{{labels, time.Duration(f.Took).Seconds()}}
}

func convergenceSamples(f Feature, labels []string) []sample {
	var out []sample
	for _, s := range f.Steps {
		if s.ConvergedAfter != nil {
			named := append(labels[:len(labels):len(labels)], "step", s.Name)
			out = append(out, sample{named, time.Duration(*s.ConvergedAfter).Seconds()})
		}
	}
	return out
}
