package metrics_test

import (
	"flag"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/manifest/goldentest"
	"meshgate/framework/report"
	"meshgate/framework/report/render/metrics"
	"meshgate/framework/report/reporttest"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestGolden(t *testing.T) {
	data, err := metrics.Render(reporttest.Judged())
	require.NoError(t, err)
	require.NoError(t, goldentest.Compare("testdata/metrics.prom", data, *update))
}

// exposition reads the text format as its description has it, and nothing beside: HELP
// and TYPE once before the samples of a family, names, labels with three escapes, a
// number, no series twice, the end marked.
func exposition(text string) (map[string]float64, error) {
	name := `[a-zA-Z_:][a-zA-Z0-9_:]*`
	sample := regexp.MustCompile(`^(` + name + `)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$`)
	out, typed, family := map[string]float64{}, map[string]bool{}, ""
	body, ended := strings.CutSuffix(text, "# EOF\n")
	if !ended {
		return nil, fmt.Errorf("no end")
	}
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if rest, isType := strings.CutPrefix(line, "# TYPE "); isType {
			family, _, _ = strings.Cut(rest, " ")
			if typed[family] {
				return nil, fmt.Errorf("second TYPE: %q", line)
			}
			typed[family] = true
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil || m[1] != family {
			return nil, fmt.Errorf("no sample of %s: %q", family, line)
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return nil, err
		}
		if _, twice := out[m[1]+m[2]]; twice {
			return nil, fmt.Errorf("twice: %q", line)
		}
		out[m[1]+m[2]] = value
	}
	return out, nil
}

func read(t *testing.T, run report.Run) map[string]float64 {
	t.Helper()
	data, err := metrics.Render(run)
	require.NoError(t, err)
	assert.Empty(t, reporttest.Unprintable(string(data), "\n"), "unprintable runes")
	values, err := exposition(string(data))
	require.NoError(t, err)
	return values
}

func TestTheParserRefusesWhatIsNoExposition(t *testing.T) {
	for _, bad := range []string{
		"a 1\n# EOF\n", "# TYPE a gauge\na 1\n", "# TYPE a gauge\na one\n# EOF\n", "# TYPE a gauge\na{b=\"c\"d\"} 1\n# EOF\n",
		"# TYPE a gauge\na 1\na 1\n# EOF\n", "# TYPE a gauge\nb 1\n# EOF\n", "# TYPE a gauge\n# TYPE a gauge\n# EOF\n", "# TYPE a gauge\na{b=\"\\x\"} 1\n# EOF\n",
	} {
		_, err := exposition(bad)
		assert.Error(t, err, bad)
	}
}

func TestMetricsSayWhatTheReportSays(t *testing.T) {
	m := read(t, reporttest.Judged())
	for series, want := range map[string]float64{
		`meshgate_verdict{outcome="fail"}`: 1,
		`meshgate_run_duration_seconds`:    95,
		`meshgate_feature_status{suite="basic-gateway",feature="HTTPSRedirect",status="fail"}`:                                                                                              1,
		`meshgate_feature_status{suite="basic-gateway",feature="ObservedInTrace",status="skip"}`:                                                                                            1,
		`meshgate_feature_duration_seconds{suite="basic-gateway",feature="TLSTermination"}`:                                                                                                 2.3,
		`meshgate_step_convergence_seconds{suite="basic-gateway",feature="TLSTermination",step="serves the certificate"}`:                                                                   0.84,
		`meshgate_run_info{run="20261121-113600-sample",meshgate_version="v0.1.0",commit="fc4a32a",flavour="istio",mesh_version="1.31.1",revision="",provider="kind",kubernetes="v1.36.3"}`: 1,
	} {
		got, there := m[series]
		assert.True(t, there, series)
		assert.InDelta(t, want, got, 1e-9, series)
	}
	assert.NotContains(t, m, `meshgate_feature_duration_seconds{suite="basic-gateway",feature="ObservedInTrace"}`, "what was skipped took no time")
}

func TestMetricsOfOddRunsCanBeRead(t *testing.T) {
	read(t, reporttest.Hostile())
	twice := reporttest.Judged()
	twice.Suites = append(twice.Suites, twice.Suites...)
	read(t, twice)
	m := read(t, report.Run{})
	assert.NotContains(t, m, "meshgate_run_duration_seconds", "it has not ended")
	odd := reporttest.Judged()
	odd.Suites[0].Name = `a\b"c` + "\n"
	assert.Contains(t, read(t, odd), `meshgate_feature_status{suite="a\\b\"c\\n",feature="CORS",status="error"}`)
}
