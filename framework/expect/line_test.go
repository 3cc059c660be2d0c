package expect

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/accesslog"
)

// logged is an ordinary line of the gateway.
func logged(change ...func(*accesslog.Line)) accesslog.Line {
	l := accesslog.Line{
		Start: time.Date(2026, 11, 21, 11, 21, 23, 261e6, time.UTC), Method: "GET", Path: "/a?b=c", Protocol: "HTTP/2", Status: 200,
		Flags: "-", Details: "via_upstream", UpstreamTransportFailure: "-", BytesReceived: 7, BytesSent: 478, Duration: 2,
		RequestID: "id-1", Authority: "api.test", UpstreamHost: "10.244.0.6:9080", UpstreamCluster: "outbound|9080||app.ns.svc.cluster.local",
		DownstreamLocal: "10.244.0.8:443", DownstreamRemote: "10.244.0.1:3100", SNI: "api.test", RouteName: "default",
	}
	for _, c := range change {
		c(&l)
	}
	return l
}

type judgedLine struct {
	check   LineCheck
	spoil   func(*accesslog.Line)
	refusal string
}

func lineCases() map[string]judgedLine {
	type line = accesslog.Line
	return map[string]judgedLine{
		"MethodIs":                 {MethodIs("GET"), func(l *line) { l.Method = "HEAD" }, `log method: want "GET", got "HEAD"`},
		"PathIs":                   {PathIs("/a?b=c"), func(l *line) { l.Path = "/a" }, `log path: want "/a?b=c", got "/a"`},
		"StatusIs":                 {StatusIs(200), func(l *line) { l.Status = 503 }, `log status: want "200", got "503"`},
		"FlagsAre":                 {FlagsAre("-"), func(l *line) { l.Flags = "UF,URX" }, `log flags: want "-", got "UF,URX"`},
		"IsHTTP":                   {IsHTTP(), func(l *line) { l.Method = "-" }, `log method: want "one", got "-"`},
		"FlagsContain":             {FlagsContain("-"), func(l *line) { l.Flags = "UF,URX" }, `log flags: want "- among them", got "UF,URX"`},
		"DetailsAre":               {DetailsAre("via_upstream"), func(l *line) { l.Details = "" }, `log details: want "via_upstream", got "-"`},
		"ClusterIs":                {ClusterIs("outbound|9080||app.ns.svc.cluster.local"), func(l *line) { l.UpstreamCluster = "BlackHoleCluster" }, `log upstream cluster: want "outbound|9080||app.ns.svc.cluster.local", got "BlackHoleCluster"`},
		"ClusterHasPrefix":         {ClusterHasPrefix("outbound|9080||app."), func(l *line) { l.UpstreamCluster = "outbound|9080||apple" }, `log upstream cluster: want "outbound|9080||app.…", got "outbound|9080||apple"`},
		"ClusterIn":                {ClusterIn("outbound|9080||app.ns.svc.cluster.local", "b"), func(l *line) { l.UpstreamCluster = "outbound|9080||app" }, `log upstream cluster: want "outbound|9080||app.ns.svc.cluster.local or b", got "outbound|9080||app"`},
		"EitherOf":                 {EitherOf(StatusIs(503), FlagsAre("-")), func(l *line) { l.Flags = "NC" }, `log flags: want "-", got "NC"`},
		"StartedAfter":             {StartedAfter(logged().Start.Add(-time.Second)), func(l *line) { l.Start = l.Start.Add(-time.Second) }, `log start: want "after 2026-11-21T11:21:22.261Z", got "2026-11-21T11:21:22.261Z"`},
		"AuthorityIs":              {AuthorityIs("api.test"), func(l *line) { l.Authority = "api.test:443" }, `log authority: want "api.test", got "api.test:443"`},
		"RequestIDIs":              {RequestIDIs("id-1"), func(l *line) { l.RequestID = "id-2" }, `log request ID: want "id-1", got "id-2"`},
		"RouteIs":                  {RouteIs("default"), func(l *line) { l.RouteName = "block_all" }, `log route: want "default", got "block_all"`},
		"SNIIs":                    {SNIIs("api.test"), func(l *line) { l.SNI = "-" }, `log SNI: want "api.test", got "-"`},
		"UpstreamHostIs":           {UpstreamHostIs("10.244.0.6:9080"), func(l *line) { l.UpstreamHost = "10.244.0.7:9080" }, `log upstream host: want "10.244.0.6:9080", got "10.244.0.7:9080"`},
		"UpstreamHostSet":          {UpstreamHostSet(), func(l *line) { l.UpstreamHost = "-" }, `log upstream host: want "a host", got "-"`},
		"DownstreamRemoteIs":       {DownstreamRemoteIs("10.244.0.1:3100"), func(l *line) { l.DownstreamRemote = "10.244.0.1:3101" }, `log downstream remote: want "10.244.0.1:3100", got "10.244.0.1:3101"`},
		"ContinuationOf":           {ContinuationOf(line{UpstreamLocal: "10.244.0.1:3100", UpstreamHost: "10.244.0.8:443"}), func(l *line) { l.DownstreamLocal = "10.244.0.8:80" }, `log downstream local: want "10.244.0.8:443", got "10.244.0.8:80"`},
		"ConnectionIs":             {ConnectionIs("10.244.0.1:3100", "10.244.0.8:443"), func(l *line) { l.DownstreamRemote = "10.244.0.1:3101" }, `log downstream remote: want "10.244.0.1:3100", got "10.244.0.1:3101"`},
		"DownstreamHostIn":         {DownstreamHostIn("10.244.0.9", "10.244.0.1"), func(l *line) { l.DownstreamRemote = "10.244.0.2:3100" }, `log downstream remote: want "one of 10.244.0.9, 10.244.0.1", got "10.244.0.2:3100"`},
		"UpstreamPortIs":           {UpstreamPortIs(9080), func(l *line) { l.UpstreamHost = "10.244.0.6:19080" }, `log upstream port: want "9080", got "10.244.0.6:19080"`},
		"DownstreamPortIs":         {DownstreamPortIs(443), func(l *line) { l.DownstreamLocal = "" }, `log downstream port: want "443", got "-"`},
		"BytesBothWays":            {BytesBothWays(), func(l *line) { l.BytesReceived = 0 }, `log bytes: want "more than 0 received and sent", got "0 received, 478 sent"`},
		"Lasted":                   {Lasted(), func(l *line) { l.Duration = accesslog.Unknown }, `log duration: want "more than 0 ms", got "-1 ms"`},
		"TransportFailureContains": {TransportFailureContains(""), func(l *line) {}, ""},
		"NoUpstream":               {NoUpstream(), func(l *line) {}, ""},
	}
}

func TestEveryLineCheckPassesTheGoodAndRefusesTheBad(t *testing.T) {
	for name, c := range lineCases() {
		if c.refusal == "" {
			continue // the two below, which no ordinary line passes
		}
		t.Run(name, func(t *testing.T) {
			require.NoError(t, c.check.Judge(logged()))
			bad := logged(c.spoil)
			err := c.check.Judge(bad)
			assert.EqualError(t, err, aboutLine(bad)+": "+c.refusal)
			for _, m := range Mismatches(err) {
				assert.Contains(t, c.check.Fields(), m.Field, "a check declares every field that it can find wrong")
			}
		})
	}
}

func TestLineChecksThatOrdinaryLinesDoNotPass(t *testing.T) {
	broken := logged(func(l *accesslog.Line) {
		l.UpstreamTransportFailure = "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end"
	})
	require.NoError(t, TransportFailureContains("CERTIFICATE_VERIFY_FAILED").Judge(broken))
	assert.ErrorContains(t, TransportFailureContains("CERTIFICATE_VERIFY_FAILED").Judge(logged()), `log transport failure: want "… CERTIFICATE_VERIFY_FAILED …", got "-"`)
	require.NoError(t, NoUpstream().Judge(logged(func(l *accesslog.Line) { l.UpstreamHost = "" })))
	assert.ErrorContains(t, NoUpstream().Judge(logged()), `log upstream host: want "-", got "10.244.0.6:9080"`)
}

func TestLineSaysWhichLineAndEverythingThatIsWrong(t *testing.T) {
	err := Line(StatusIs(404), FlagsAre("NR"), MethodIs("GET")).Judge(logged())
	assert.EqualError(t, err, `line 11:21:23.261 200 - GET api.test/a?b=c: log status: want "404", got "200"; log flags: want "NR", got "-"`)
	assert.Len(t, Mismatches(err), 2)
	tcp := logged(func(l *accesslog.Line) { l.Method, l.Flags, l.UpstreamCluster = "-", "UH", "BlackHoleCluster" })
	assert.ErrorContains(t, Line(FlagsAre("-")).Judge(tcp), "line 11:21:23.261 TCP UH 10.244.0.8:443 → BlackHoleCluster: ")
}

func with(id string, status int) accesslog.Line {
	return logged(func(l *accesslog.Line) { l.RequestID, l.Status = id, status })
}

func TestExactlyOne(t *testing.T) {
	lines := []accesslog.Line{with("id-1", 200), with("id-2", 404), with("id-3", 200), with("id-3", 503)}
	require.NoError(t, ExactlyOne(lines, RequestIDIs("id-2"), StatusIs(404)))
	for name, c := range map[string]struct {
		id   string
		want string
	}{
		"none":                      {"id-9", `access-log lines: want "exactly 1", got "0 of 4; the last one: line 11:21:23.261 503 - GET api.test/a?b=c: log request ID: want \"id-9\", got \"id-3\""`},
		"one that is wrong":         {"id-1", `line 11:21:23.261 200 - GET api.test/a?b=c: log status: want "404", got "200"`},
		"two that tell two stories": {"id-3", `access-log lines: want "exactly 1", got "2 of 4; line 11:21:23.261 200 - GET api.test/a?b=c; line 11:21:23.261 503 - GET api.test/a?b=c"`},
	} {
		t.Run(name, func(t *testing.T) {
			err := ExactlyOne(lines, RequestIDIs(c.id), StatusIs(404))
			assert.EqualError(t, err, c.want)
			for _, m := range Mismatches(err) {
				assert.Contains(t, LineFields(RequestIDIs(c.id), StatusIs(404)), m.Field)
			}
			assert.NotEmpty(t, Mismatches(err))
		})
	}
	assert.EqualError(t, ExactlyOne(nil, RequestIDIs("id-1")), `access-log lines: want "exactly 1", got "0 of 0"`)
	many := make([]accesslog.Line, 9)
	for i := range many {
		many[i] = with("id-1", 200+i)
	}
	assert.ErrorContains(t, ExactlyOne(many, RequestIDIs("id-1")), fmt.Sprintf("%d of 9", 9))
	assert.ErrorContains(t, ExactlyOne(many, RequestIDIs("id-1")), `; …"`)
}

func TestNoneOf(t *testing.T) {
	lines := []accesslog.Line{with("id-1", 200), with("id-2", 404)}
	require.NoError(t, NoneOf(lines, RequestIDIs("id-1"), StatusIs(404)))
	require.NoError(t, NoneOf(nil, StatusIs(404)))
	assert.EqualError(t, NoneOf(lines, StatusIs(404)), `access-log lines: want "none", got "1 of 2; line 11:21:23.261 404 - GET api.test/a?b=c"`)
}

func TestSomeOfWantsAtLeastOneLineThatPassesEverything(t *testing.T) {
	lines := []accesslog.Line{with("a", 200), with("b", 404)}
	assert.NoError(t, SomeOf(lines, StatusIs(404)))
	assert.NoError(t, SomeOf(append(lines, with("c", 404)), StatusIs(404)))
	assert.ErrorContains(t, SomeOf(lines, StatusIs(404), RequestIDIs("a")), `access-log lines: want "at least 1", got "0 of 2; the last one: `)
	assert.ErrorIs(t, SomeOf(lines), errNoChecks)
}
