// Package metrics gives a run as Prometheus metrics, for dashboards over many runs.
package metrics

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"meshgate/framework/report"
	"meshgate/framework/report/render/wording"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// metric is one family of metrics, and how it is read from a run.
type metric struct {
	name, help string
	samples    func(report.Run) []sample
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

// Render gives the run in Prometheus' text format: for a node exporter's textfile collector
// or a push gateway. Of two samples with the same labels only the first is written, because
// a reader would refuse both.
func Render(run report.Run) ([]byte, error) {
	run = wording.OneLine(run)
	var b bytes.Buffer
	for _, m := range metrics() {
		family := &dto.MetricFamily{Name: &m.name, Help: &m.help, Type: dto.MetricType_GAUGE.Enum()}
		seen := map[string]bool{}
		for _, s := range m.samples(run) {
			if labels := strings.Join(s.labels, "\x00"); !seen[labels] {
				seen[labels] = true
				family.Metric = append(family.Metric, s.gauge())
			}
		}
		if len(family.Metric) == 0 {
			continue
		}
		if _, err := expfmt.MetricFamilyToText(&b, family); err != nil {
			return nil, fmt.Errorf("metrics: %s: %w", m.name, err)
		}
	}
	b.WriteString("# EOF\n") // OpenMetrics readers want it; to others it is a comment
	return b.Bytes(), nil
}

// gauge is the sample in Prometheus' model.
func (s sample) gauge() *dto.Metric {
	g := &dto.Metric{Gauge: &dto.Gauge{Value: &s.value}}
	for i := 0; i+1 < len(s.labels); i += 2 {
		g.Label = append(g.Label, &dto.LabelPair{Name: &s.labels[i], Value: &s.labels[i+1]})
	}
	return g
}

func infoSamples(r report.Run) []sample {
	return []sample{{[]string{
		"run", r.ID, "meshgate_version", r.Meshgate.Version, "commit", r.Meshgate.Commit,
		"flavour", r.Facts.Mesh.Flavour, "mesh_version", r.Facts.Mesh.Version, "revision", r.Facts.Mesh.Revision,
		"provider", r.Facts.Cluster.Provider, "kubernetes", r.Facts.Cluster.Kubernetes,
	}, 1}}
}

func endSamples(r report.Run) []sample {
	if r.Ended.IsZero() {
		return nil
	}
	return []sample{{value: float64(r.Ended.UnixMilli()) / 1000}}
}

func durationSamples(r report.Run) []sample {
	if r.Ended.IsZero() {
		return nil
	}
	return []sample{{value: r.Ended.Sub(r.Started).Seconds()}}
}

func verdictSamples(r report.Run) []sample {
	return []sample{{[]string{"outcome", string(r.Verdict.Outcome)}, 1}}
}

// eachFeature gathers what is read from each feature; the labels given name it.
func eachFeature(of func(f report.Feature, labels []string) []sample) func(report.Run) []sample {
	return func(r report.Run) []sample {
		var out []sample
		for _, s := range r.Suites {
			for _, f := range s.Features {
				out = append(out, of(f, []string{"suite", s.Name, "feature", f.Name})...)
			}
		}
		return out
	}
}

func statusSamples(f report.Feature, labels []string) []sample {
	status, _ := f.Judged()
	return []sample{{append(labels, "status", string(status)), 1}}
}

func tookSamples(f report.Feature, labels []string) []sample {
	if status, _ := f.Judged(); status == report.Skip {
		return nil
	}
	return []sample{{labels, time.Duration(f.Took).Seconds()}}
}

func convergenceSamples(f report.Feature, labels []string) []sample {
	var out []sample
	for _, s := range f.Steps {
		if s.ConvergedAfter != nil {
			named := append(labels[:len(labels):len(labels)], "step", s.Name)
			out = append(out, sample{named, time.Duration(*s.ConvergedAfter).Seconds()})
		}
	}
	return out
}
