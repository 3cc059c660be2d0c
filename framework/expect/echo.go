package expect

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"meshgate/framework/probe"
)

// echoed is what the echo application says that it received.
type echoed struct {
	Method  string      `json:"method"`
	Target  string      `json:"target"` // as on the wire
	Path    string      `json:"path"`
	Host    string      `json:"host"`
	Headers http.Header `json:"headers"`
	Pod     string      `json:"pod"`
	Remote  string      `json:"remote"` // host:port
	// TLS is null where the request came in the clear, and missing where nobody looked.
	TLS json.RawMessage `json:"tls"`
}

// echoedTLS is the handshake that it took part in.
type echoedTLS struct {
	Version           string `json:"version"`
	ServerName        string `json:"serverName"`
	ClientCertificate *struct {
		Serial string `json:"serial"`
	} `json:"clientCertificate"`
}

// EchoTarget wants the request target, path and query, to have reached the
// application byte for byte so.
func EchoTarget(want string) Check {
	return echo(FieldReceivedTarget, func(e echoed) (string, bool) { return e.Target, e.Target == want }, want)
}

// EchoMethod wants the method that reached the application.
func EchoMethod(want string) Check {
	return echo(FieldReceivedMethod, func(e echoed) (string, bool) { return e.Method, e.Method == want }, want)
}

// EchoFrom wants the application to have been asked from one of these IP addresses.
func EchoFrom(ips ...string) Check {
	return echo(FieldReceivedSourceAddress, func(e echoed) (string, bool) {
		ip, _, err := net.SplitHostPort(e.Remote)
		return e.Remote, err == nil && slices.Contains(ips, ip)
	}, either(ips))
}

// EchoApp wants the answer to come from a pod of this Deployment.
func EchoApp(deployment string) Check {
	return echo(FieldReceivedApp, func(e echoed) (string, bool) { return e.Pod, ownerOf(e.Pod) == deployment }, deployment)
}

// ownerOf cuts the two hashes off a pod's name that its ReplicaSet and its
// Deployment put there.
func ownerOf(pod string) string {
	parts := strings.Split(pod, "-")
	return strings.Join(parts[:max(0, len(parts)-2)], "-")
}

// EchoHeader wants a header that reached the application; several lines of it are
// joined by ", ".
func EchoHeader(name, want string) Check {
	return echo(ReceivedHeaderField(name), func(e echoed) (string, bool) {
		got := strings.Join(e.Headers.Values(name), ", ")
		return got, got == want
	}, want)
}

// EchoNoHeader wants that no such header reached the application.
func EchoNoHeader(name string) Check {
	return echo(ReceivedHeaderField(name), func(e echoed) (string, bool) {
		values := e.Headers.Values(name)
		return strings.Join(values, ", "), len(values) == 0
	}, "no such header")
}

// EchoTLS wants the request to have reached the application by TLS, of a version that
// begins with one of these: "1.2", "1.3", "1." for any.
func EchoTLS(versions ...string) Check {
	if len(versions) == 0 {
		return CheckOf(nil, func(probe.Observation) error { return errNoChecks })
	}
	return echoTLS(FieldReceivedTLSVersion, either(versions), func(t echoedTLS) (string, bool) {
		return t.Version, slices.ContainsFunc(versions, func(v string) bool { return strings.HasPrefix(t.Version, v) })
	})
}

// EchoSNI wants the server name that reached the application, byte for byte; "" wants
// TLS without one.
func EchoSNI(want string) Check {
	return echoTLS(FieldReceivedSNI, want, func(t echoedTLS) (string, bool) { return t.ServerName, t.ServerName == want })
}

// EchoClientCert wants the client certificate that reached the application, by its
// serial number in lower-case hex without leading zeros.
func EchoClientCert(serial string) Check {
	return echoTLS(FieldReceivedClientCertificate, serial, func(t echoedTLS) (string, bool) {
		got, ok := clientSerial(t)
		return got, ok && got == serial
	})
}

// EchoNoClientCert wants TLS to have reached the application, and no client
// certificate with it.
func EchoNoClientCert() Check {
	return echoTLS(FieldReceivedClientCertificate, none, func(t echoedTLS) (string, bool) {
		got, ok := clientSerial(t)
		return got, !ok
	})
}

// EchoPlain wants the request to have reached the application in the clear.
func EchoPlain() Check {
	return echo(FieldReceivedTLS, func(e echoed) (string, bool) { return tlsOf(e), tlsOf(e) == none }, none)
}

const none = "none"

func clientSerial(t echoedTLS) (serial string, ok bool) {
	if t.ClientCertificate == nil {
		return none, false
	}
	return t.ClientCertificate.Serial, true
}

// tlsOf is what the application says of TLS, in its own words where it was there.
func tlsOf(e echoed) string {
	switch string(e.TLS) {
	case "":
		return "no word of it"
	case "null":
		return none
	}
	return string(e.TLS)
}

func echoTLS(field Field, want string, look func(echoedTLS) (got string, ok bool)) Check {
	return echo(field, func(e echoed) (string, bool) {
		var t *echoedTLS
		if err := json.Unmarshal(e.TLS, &t); err != nil || t == nil {
			return "TLS: " + tlsOf(e), false
		}
		return look(*t)
	}, want)
}

func echo(field Field, look func(echoed) (got string, ok bool), want string) Check {
	return CheckOf([]Field{field}, func(o probe.Observation) error {
		e, err := readEcho(o)
		if err != nil {
			return verdict(o, &Mismatch{Field: field, Want: want, Got: err.Error()})
		}
		got, ok := look(e)
		return verdict(o, unless(ok, field, want, got))
	})
}

func readEcho(o probe.Observation) (echoed, error) {
	var e echoed
	if o.Failure != nil {
		return e, fmt.Errorf("no answer: %s", outcome(o))
	}
	if err := json.Unmarshal(o.Body, &e); err != nil || e.Target == "" {
		return e, fmt.Errorf("not the echo application's answer: %s", clip(string(o.Body)))
	}
	return e, nil
}
