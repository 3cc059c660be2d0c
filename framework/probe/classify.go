package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/net/http2"
)

// fail turns an error of one phase into a Failure.
func fail(ctx context.Context, phase string, err error) *Failure {
	f := &Failure{Phase: phase, Message: err.Error()}
	f.Class, f.Alert = classify(ctx, phase, err)
	return f
}

// classify goes from what is certain to what can only be told by the phase.
func classify(ctx context.Context, phase string, err error) (class, alert string) {
	if class := classifyTime(ctx, err); class != "" {
		return class, ""
	}
	if alert, ok := remoteAlert(err); ok {
		return ClassTLSAlert, alert
	}
	for _, by := range []func(error) string{classifyTLS, classifyHTTP2, classifyNetwork} {
		if class := by(err); class != "" {
			return class, ""
		}
	}
	switch phase {
	case PhaseRequest:
		return ClassRequest, ""
	case PhaseTLS:
		return ClassTLSLocal, ""
	case PhaseResponse, PhaseBody:
		return ClassMalformed, ""
	}
	return ClassOther, ""
}

// classifyTime comes first: a deadline shows itself as an I/O error of any kind.
func classifyTime(ctx context.Context, err error) string {
	var timed net.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled) || errors.Is(err, context.Canceled):
		return ClassCancelled
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return ClassTimeout
	case errors.As(err, &timed) && timed.Timeout():
		return ClassTimeout
	}
	return ""
}

func classifyTLS(err error) string {
	var untrusted *untrustedError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &untrusted):
		return ClassTLSVerify
	case errors.As(err, &record):
		return ClassTLSNotTLS
	case errors.As(err, &op) && op.Op == "local error":
		return ClassTLSLocal
	}
	return ""
}

func classifyHTTP2(err error) string {
	var stream http2.StreamError
	var goAway http2.GoAwayError
	var broken http2.ConnectionError
	switch {
	case errors.As(err, &stream):
		return ClassReset
	case errors.As(err, &goAway):
		return ClassClosed
	case errors.As(err, &broken):
		return ClassMalformed
	case strings.HasPrefix(err.Error(), "http2: client conn"): // unexported: "… not usable", "… is closed"
		return ClassClosed
	}
	return ""
}

func classifyNetwork(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return ClassDNS
	case errors.Is(err, syscall.ECONNREFUSED):
		return ClassRefused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return ClassUnreachable
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return ClassReset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return ClassClosed
	}
	return ""
}
