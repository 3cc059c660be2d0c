package accesslog

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const line = `[2026-11-21T11:21:23.261Z] "GET /p HTTP/2" 200 - via_upstream - "-" 0 478 2 1 "10.244.0.1" "curl" "id" "host" "1.2.3.4:9080" out 1.1.1.1:1 2.2.2.2:2 3.3.3.3:3 sni route`

// with replaces a part of the line, which must exist.
func with(t testing.TB, old, new string) string {
	t.Helper()
	require.Contains(t, line, old)
	return strings.Replace(line, old, new, 1)
}

func TestParseErrorsNameFieldAndColumn(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", `access log: line: want "[" of the text formats or "{" of JSON first, got ""`},
		{"time", with(t, "[2026-11-21T11", "[2026-11-21 11"), `start_time (field 1, column 1): want a time such as [2006-01-02T15:04:05.000Z], got "[2026-11-21"`},
		{"bracket", with(t, "Z]", "Z"), `start_time (field 1, column 1)`},
		{"request without quotes", with(t, `"GET /p HTTP/2"`, "GET"), `request (field 2, column 28): want a value in quotes, got "GET"`},
		{"request of one word", with(t, "GET /p HTTP/2", "GET"), `request (field 2, column 28): want method, path and protocol, got "GET"`},
		{"status", with(t, "200", "2x0"), `response_code (field 3, column 44): want a whole number, got "2x0"`},
		{"negative", with(t, " 0 478", " -5 478"), `bytes_received (field 8, column 69): want a whole number, got "-5"`},
		{"duration", with(t, " 2 1 ", " 2ms 1 "), `duration (field 10, column 75): want a whole number, got "2ms"`},
		{"open quote", line + ` "open`, `extra (field 23, column 170): want a value in quotes, got "\"open"`},
		{"quote never closed", line[:strings.Index(line, `" "host"`)], `request_id (field 14, column 99): want a value in quotes, got "\"id"`},
		{"ends early", line[:strings.Index(line, ` "1.2.3.4`)], `upstream_host (field 16, column 110): want a value, got "the end of the line"`},
		{"no failure reason", line[:strings.Index(line, ` "-" 0`)], `connection_termination_details (field 6, column 63): want a quoted value after it, got "-"`},
		{"json", `{"start_time":`, `line: want JSON (unexpected end of JSON input), got "{\"start_time\":"`},
		{"json without time", `{"method":"GET"}`, `start_time: want a time, got "no such field"`},
		{"json time", `{"start_time":"noon"}`, `start_time: want a time such as 2006-01-02T15:04:05.000Z, got "noon"`},
		{"json number", `{"start_time":"2026-11-21T11:21:23Z","response_code":"many"}`, `response_code: want a whole number, got "many"`},
		{"json object", `{"start_time":"2026-11-21T11:21:23Z","method":{}}`, `method: want a text, a number or null, got "{}"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.in)
			var bad *ParseError
			require.ErrorAs(t, err, &bad)
			assert.Contains(t, err.Error(), c.want)
			assert.LessOrEqual(t, len(err.Error()), 250)
		})
	}
}

func TestParseAcceptsQuotesInClientValues(t *testing.T) {
	for name, agent := range map[string]string{
		"quotes":          `say"hi"there`,
		"escaped quotes":  `say \"hi\" there`,
		"spaces":          `Mozilla/5.0 (X11; Linux)`,
		"empty":           ``,
		"brackets":        `[a] - "b`,
		"two backslashes": `a\\`,
		"unicode":         `Grüße`,
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Parse(with(t, `"curl"`, `"`+agent+`"`))
			require.NoError(t, err)
			assert.Equal(t, agent, l.UserAgent)
			assert.Equal(t, "id", l.RequestID)
			assert.Equal(t, "route", l.RouteName)
		})
	}
}

func TestParseAcceptsSpacesInConnectionTermination(t *testing.T) {
	reason := "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end"
	l, err := Parse(with(t, `via_upstream - "-"`, `- closed by idle timeout "`+reason+`"`))
	require.NoError(t, err)
	assert.Equal(t, "closed by idle timeout", l.ConnectionTermination)
	assert.Equal(t, reason, l.UpstreamTransportFailure)
	l, err = Parse(with(t, "GET /p HTTP/2", `GET /p"q" HTTP/2`))
	require.NoError(t, err)
	assert.Equal(t, `/p"q"`, l.Path)
}

func TestParseAcceptsMissingAndExtraTrailingFields(t *testing.T) {
	l, err := Parse(strings.TrimSuffix(line, " sni route"))
	require.NoError(t, err)
	assert.Equal(t, "3.3.3.3:3", l.DownstreamRemote)
	assert.Empty(t, l.SNI+l.RouteName)
	assert.Nil(t, l.Extra)

	l, err = Parse(line + ` trace-1 "two words" ""`)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"extra1": "trace-1", "extra2": "two words", "extra3": ""}, l.Extra)
	assert.Equal(t, l.Raw, Format(l))
}

func TestParseAcceptsOmittedValues(t *testing.T) {
	in := `[2026-11-21T11:21:23.317Z] "  " 0 UH   "" 0 0   "" "" "" "" "" BlackHoleCluster  10.244.0.129:9080 10.244.0.6:37958  `
	l, err := Parse(in)
	require.NoError(t, err)
	assert.Equal(t, Text, l.Format)
	assert.Equal(t, "UH", l.Flags)
	assert.Empty(t, l.Method+l.Details+l.ConnectionTermination+l.UpstreamServiceTime+l.UpstreamHost+l.UpstreamLocal)
	assert.EqualValues(t, Unknown, l.Duration)
	assert.Equal(t, "10.244.0.129:9080", l.DownstreamLocal)
}

func TestScanSkipsOtherMessages(t *testing.T) {
	log := strings.Join([]string{
		"2026-11-21T11:21:23.261Z\tinfo\txdsproxy\tconnected to delta upstream XDS server",
		"2026-11-21T11:21:23.261018Z\twarning\tenvoy main\tcaught ENVOY_SIGTERM",
		"[2026-11-21 11:21:23.261][1][info][main] starting main dispatch loop",
		`{"level":"info","time":"2026-11-21T11:21:23.261Z","msg":"ready"}`,
		line,
		"",
		with(t, "200", "2x0"),
		`{"start_time":"2026-11-21T11:21:23Z","level":"mine","method":"GET"}`,
		`{"method":"GET"}`,
		line[:60],
	}, "\n")
	lines, unparsed, err := Scan(strings.NewReader(log))
	require.NoError(t, err)
	require.Len(t, lines, 2)
	assert.Equal(t, "/p", lines[0].Path)
	assert.Equal(t, "mine", lines[1].Extra["level"])
	require.Len(t, unparsed, 3)
	assert.Contains(t, unparsed[0], "line 7: access log: response_code (field 3, column 44)")
	assert.Contains(t, unparsed[1], `line 9: access log: start_time: want a time, got "no such field"`)
	assert.Contains(t, unparsed[2], "line 10: the log ends within this line: ")

	boom := errors.New("stream closed")
	lines, _, err = Scan(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(log))))
	assert.ErrorContains(t, err, "access log: line 1: timeout")
	assert.Empty(t, lines)
	_, _, err = Scan(iotest.ErrReader(boom))
	assert.ErrorIs(t, err, boom)
}

// A log of a hundred thousand lines is parsed while a test polls it, so parsing must be
// cheap.
func TestParseAllocates(t *testing.T) {
	gate := func(in string, most float64) {
		allocs := testing.AllocsPerRun(200, func() {
			if _, err := Parse(in); err != nil {
				t.Error(err)
			}
		})
		assert.LessOrEqual(t, allocs, most, in[:20])
	}
	gate(line, 1)
	gate(testdata(t, "istio-1.4.txt")[1], 1)
	gate(testdata(t, "istio-json.txt")[0], 120)
}

func BenchmarkParse(b *testing.B) {
	for name, in := range map[string]string{"text": line, "json": testdata(b, "istio-json.txt")[0]} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if _, err := Parse(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// No input makes Parse panic, and Parse reads the same values again from the output of
// Format.
func FuzzParse(f *testing.F) {
	for _, file := range []string{"istio-1.31.txt", "istio-1.31-mongo.txt", "istio-1.4.txt", "istio-json.txt"} {
		for _, raw := range testdata(f, file) {
			f.Add(raw)
		}
	}
	f.Add(line + ` more "and more"`)
	f.Add(`[2026-11-21T11:21:23.317Z] "  " 0 UH   "" 0 0   "" "" "" "" "" c  a b  `)
	f.Add(`[2026-11-21T11:21:23Z] "  " 0    "" 0 0   "" "" "" "" ""  `)
	f.Fuzz(func(t *testing.T, in string) {
		first, err := Parse(in)
		if err != nil {
			return
		}
		second, err := Parse(Format(first))
		if err != nil {
			t.Fatalf("%q is written as %q, which cannot be read: %v", in, Format(first), err)
		}
		if !first.Start.Equal(second.Start) {
			t.Fatalf("start: %s, then %s", first.Start, second.Start)
		}
		first.Start, second.Start, first.Raw, second.Raw = time.Time{}, time.Time{}, "", ""
		assert.Equal(t, first, second, in)
	})
}

func TestTestdataHasNoMoreThanTheSamples(t *testing.T) {
	files, err := os.ReadDir("testdata")
	require.NoError(t, err)
	for _, f := range files {
		if !f.IsDir() {
			assert.Contains(t, samples(), f.Name(), "every line of data is asserted on")
		}
	}
}
