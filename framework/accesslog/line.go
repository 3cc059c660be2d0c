// Package accesslog reads the lines that Envoy writes for Istio: the text format
// of Istio 1.9 and later, the older one of 1.4 to 1.8, and JSON. It is pure: it
// neither fetches logs nor judges them.
package accesslog

import (
	"strings"
	"time"
)

// The formats of a line.
const (
	Text    = "text"     // Istio 1.9 and later
	OldText = "text-old" // Istio 1.4 to 1.8, and before without the route's name
	JSON    = "json"     // Istio's JSON field names
)

// Unknown is the value of Line.Duration when the line has none.
const Unknown = -1

// Line is one access-log line. A text field has the value in the line, "-" where Envoy had
// none (null in JSON), and is empty if the line has no such field or Envoy omits empty
// values.
type Line struct {
	Format string
	Start  time.Time

	Method, Path, Protocol string
	Status                 int    // 0 for TCP and where no response was sent
	Flags                  string // response flags, "-" for none
	Details                string // why the response is what it is; not in the old text
	ConnectionTermination  string // why Envoy closed the connection; not in the old text
	// MixerStatus is in the old text only, in versions with Istio's policy check.
	MixerStatus              string
	UpstreamTransportFailure string

	BytesReceived, BytesSent int64
	Duration                 int64  // milliseconds, or Unknown
	UpstreamServiceTime      string // milliseconds, "-" where no upstream answered

	ForwardedFor, UserAgent, RequestID, Authority string

	UpstreamHost, UpstreamCluster, UpstreamLocal string
	DownstreamLocal, DownstreamRemote            string
	SNI, RouteName                               string

	// Extra has the fields that a custom format has added: in JSON by name, in text as
	// "extra1", "extra2" … in the order of the line.
	Extra map[string]string
	// Raw is the line as it was read.
	Raw string
}

// Find returns the lines of one request in their order: those with its ID, and those whose
// user agent ends in the ID in parentheses, as the probe sends it. A gateway assigns new IDs
// to external requests, so that behind it only the user agent identifies the client's
// request.
func Find(lines []Line, requestID string) []Line {
	if requestID == "" {
		return nil
	}
	var found []Line
	for _, l := range lines {
		if l.RequestID == requestID || strings.HasSuffix(l.UserAgent, "("+requestID+")") {
			found = append(found, l)
		}
	}
	return found
}

// names are Istio's JSON field names, by which errors name a field in every format.
const (
	nameStart         = "start_time"
	nameRequest       = "request"
	nameStatus        = "response_code"
	nameFlags         = "response_flags"
	nameDetails       = "response_code_details"
	nameTermination   = "connection_termination_details"
	nameMixer         = "istio_policy_status"
	nameTransport     = "upstream_transport_failure_reason"
	nameReceived      = "bytes_received"
	nameSent          = "bytes_sent"
	nameDuration      = "duration"
	nameServiceTime   = "upstream_service_time"
	nameForwardedFor  = "x_forwarded_for"
	nameUserAgent     = "user_agent"
	nameRequestID     = "request_id"
	nameAuthority     = "authority"
	nameUpstreamHost  = "upstream_host"
	nameCluster       = "upstream_cluster"
	nameUpstreamLocal = "upstream_local_address"
	nameLocal         = "downstream_local_address"
	nameRemote        = "downstream_remote_address"
	nameSNI           = "requested_server_name"
	nameRoute         = "route_name"
)
