package expect

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"meshgate/framework/accesslog"
)

// Line passes when every check does; its error has every mismatch of every check.
func Line(checks ...LineCheck) LineCheck {
	return LineCheckOf(fieldsOfLine(checks), func(l accesslog.Line) error {
		if len(checks) == 0 {
			return errNoChecks
		}
		wrong := make([]error, len(checks))
		for i, check := range checks {
			wrong[i] = check.Judge(l)
		}
		return verdict(l, wrong...)
	})
}

// aboutLine says in short which line it is.
func aboutLine(l accesslog.Line) string {
	clock := l.Start.Format("15:04:05.000")
	if dash(l.Method) == "-" {
		return fmt.Sprintf("line %s TCP %s %s → %s", clock, dash(l.Flags), dash(l.DownstreamLocal), dash(l.UpstreamCluster))
	}
	return fmt.Sprintf("line %s %d %s %s %s%s", clock, l.Status, dash(l.Flags), l.Method, l.Authority, l.Path)
}

// text makes a check of a text field. An empty field and "-" are the same: nothing.
func text(field Field, want string, of func(accesslog.Line) string) LineCheck {
	return LineCheckOf([]Field{field}, func(l accesslog.Line) error {
		return verdict(l, differ(field, dash(want), dash(of(l))))
	})
}

// IsHTTP wants the line of a request; that of a TCP connection has no method.
func IsHTTP() LineCheck {
	return holds(FieldLogMethod, "one", func(l accesslog.Line) (string, bool) { return l.Method, l.Method != "-" && l.Method != "" })
}

// MethodIs wants the request's method.
func MethodIs(want string) LineCheck {
	return text(FieldLogMethod, want, func(l accesslog.Line) string { return l.Method })
}

// PathIs wants the request's path with its query, as it came from the client.
func PathIs(want string) LineCheck {
	return text(FieldLogPath, want, func(l accesslog.Line) string { return l.Path })
}

// StatusIs wants the status that the client was sent, 0 for TCP.
func StatusIs(want int) LineCheck {
	return text(FieldLogStatus, strconv.Itoa(want), func(l accesslog.Line) string { return strconv.Itoa(l.Status) })
}

// FlagsAre wants exactly these response flags, "-" for none: "NR", "UF,URX".
func FlagsAre(want string) LineCheck {
	return text(FieldLogFlags, want, func(l accesslog.Line) string { return l.Flags })
}

// FlagsContain wants this among the response flags, such as "UF": in some versions of
// Envoy others stand beside it.
func FlagsContain(want string) LineCheck {
	return holds(FieldLogFlags, want+" among them", func(l accesslog.Line) (string, bool) {
		return l.Flags, slices.Contains(strings.Split(l.Flags, ","), want)
	})
}

// DetailsAre wants these response-code details. The old text format has none, so
// that there it can only fail.
func DetailsAre(want string) LineCheck {
	return text(FieldLogDetails, want, func(l accesslog.Line) string { return l.Details })
}

// ClusterIs wants this upstream cluster: "outbound|27018||<host>".
func ClusterIs(want string) LineCheck {
	return text(FieldLogUpstreamCluster, want, func(l accesslog.Line) string { return l.UpstreamCluster })
}

// ClusterIn wants one of these clusters.
func ClusterIn(want ...string) LineCheck {
	return holds(FieldLogUpstreamCluster, either(want), func(l accesslog.Line) (string, bool) {
		return l.UpstreamCluster, slices.Contains(want, l.UpstreamCluster)
	})
}

// AuthorityIs wants this Host header.
func AuthorityIs(want string) LineCheck {
	return text(FieldLogAuthority, want, func(l accesslog.Line) string { return l.Authority })
}

// RequestIDIs wants this request ID.
func RequestIDIs(want string) LineCheck {
	return text(FieldLogRequestID, want, func(l accesslog.Line) string { return l.RequestID })
}

// RouteIs wants this route name: "block_all" where REGISTRY_ONLY refused.
func RouteIs(want string) LineCheck {
	return text(FieldLogRoute, want, func(l accesslog.Line) string { return l.RouteName })
}

// SNIIs wants this server name in the client's handshake with the proxy.
func SNIIs(want string) LineCheck {
	return text(FieldLogSNI, want, func(l accesslog.Line) string { return l.SNI })
}

// UpstreamHostIs wants the traffic to have gone to this host:port.
func UpstreamHostIs(want string) LineCheck {
	return text(FieldLogUpstreamHost, want, func(l accesslog.Line) string { return l.UpstreamHost })
}

// NoUpstream wants the proxy to have asked no host.
func NoUpstream() LineCheck { return UpstreamHostIs("-") }

// DownstreamRemoteIs wants the client to have had this host:port, as the proxy saw it.
func DownstreamRemoteIs(want string) LineCheck {
	return text(FieldLogDownstreamRemote, want, func(l accesslog.Line) string { return l.DownstreamRemote })
}

// ConnectionIs wants the connection between these two, host:port each, the client first and
// then whom it connected to. One end alone does not say which: a client may have one port for
// connections to several places.
func ConnectionIs(from, to string) LineCheck {
	return Line(DownstreamRemoteIs(from), text(FieldLogDownstreamLocal, to, func(l accesslog.Line) string { return l.DownstreamLocal }))
}

// ContinuationOf wants the connection by which the proxy that wrote this line went on.
func ContinuationOf(l accesslog.Line) LineCheck { return ConnectionIs(l.UpstreamLocal, l.UpstreamHost) }

// DownstreamHostIn wants the client to have been one of these hosts, as the proxy saw it.
func DownstreamHostIn(want ...string) LineCheck {
	return holds(FieldLogDownstreamRemote, "one of "+strings.Join(want, ", "), func(l accesslog.Line) (string, bool) {
		host, _, _ := net.SplitHostPort(l.DownstreamRemote)
		return dash(l.DownstreamRemote), slices.Contains(want, host)
	})
}

// EitherOf wants one of the checks to pass; the error is that of the last.
func EitherOf(checks ...LineCheck) LineCheck {
	return LineCheckOf(fieldsOfLine(checks), func(l accesslog.Line) error {
		err := errNoChecks
		for _, check := range checks {
			if err = check.Judge(l); err == nil {
				return nil
			}
		}
		return err
	})
}

// StartedAfter wants a request or connection that began after a moment.
func StartedAfter(moment time.Time) LineCheck {
	return holds(FieldLogStart, "after "+moment.UTC().Format(time.RFC3339Nano), func(l accesslog.Line) (string, bool) {
		return l.Start.UTC().Format(time.RFC3339Nano), l.Start.After(moment)
	})
}

// holds makes a check of a condition on a field.
func holds(field Field, want string, of func(accesslog.Line) (got string, ok bool)) LineCheck {
	return LineCheckOf([]Field{field}, func(l accesslog.Line) error {
		got, ok := of(l)
		return verdict(l, unless(ok, field, want, got))
	})
}

// UpstreamHostSet wants the proxy to have asked some host.
func UpstreamHostSet() LineCheck {
	return holds(FieldLogUpstreamHost, "a host", func(l accesslog.Line) (string, bool) {
		return dash(l.UpstreamHost), dash(l.UpstreamHost) != "-"
	})
}

// ClusterHasPrefix wants an upstream cluster that begins so, where the rest is a
// namespace that only the run knows.
func ClusterHasPrefix(prefix string) LineCheck {
	return holds(FieldLogUpstreamCluster, prefix+"…", func(l accesslog.Line) (string, bool) {
		return dash(l.UpstreamCluster), strings.HasPrefix(l.UpstreamCluster, prefix)
	})
}

// UpstreamPortIs wants the traffic to have gone to this port of whatever host.
func UpstreamPortIs(port int) LineCheck {
	return portIs(FieldLogUpstreamPort, port, func(l accesslog.Line) string { return l.UpstreamHost })
}

// DownstreamPortIs wants the client to have come to this port of the proxy.
func DownstreamPortIs(port int) LineCheck {
	return portIs(FieldLogDownstreamPort, port, func(l accesslog.Line) string { return l.DownstreamLocal })
}

func portIs(field Field, port int, of func(accesslog.Line) string) LineCheck {
	want := strconv.Itoa(port)
	return holds(field, want, func(l accesslog.Line) (string, bool) {
		address := of(l)
		return dash(address), address[strings.LastIndexByte(address, ':')+1:] == want
	})
}

// BytesBothWays wants that something was received and something was sent.
func BytesBothWays() LineCheck {
	return holds(FieldLogBytes, "more than 0 received and sent", func(l accesslog.Line) (string, bool) {
		return fmt.Sprintf("%d received, %d sent", l.BytesReceived, l.BytesSent), l.BytesReceived > 0 && l.BytesSent > 0
	})
}

// Lasted wants a duration above zero: a connection that lived.
func Lasted() LineCheck {
	return holds(FieldLogDuration, "more than 0 ms", func(l accesslog.Line) (string, bool) {
		return fmt.Sprintf("%d ms", l.Duration), l.Duration > 0
	})
}

// TransportFailureContains wants these words in the reason why the proxy could not
// talk to the upstream: "CERTIFICATE_VERIFY_FAILED".
func TransportFailureContains(words string) LineCheck {
	return holds(FieldLogTransportFailure, "… "+words+" …", func(l accesslog.Line) (string, bool) {
		return dash(l.UpstreamTransportFailure), strings.Contains(l.UpstreamTransportFailure, words)
	})
}

// dash is how Envoy writes that there is nothing.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
