package expect

import (
	"slices"

	"meshgate/framework/probe"
)

// FailedWith wants no answer, for one of these reasons (probe's Class constants).
// A response of any status is a mismatch: refusing is not answering.
func FailedWith(classes ...string) Check {
	return CheckOf([]Field{FieldFailure}, func(o probe.Observation) error {
		if len(classes) == 0 {
			return errNoChecks
		}
		ok := o.Failure != nil && slices.Contains(classes, o.Failure.Class)
		return verdict(o, unless(ok, FieldFailure, either(classes), outcome(o)))
	})
}

// Severed wants the connection to have been ended by the peer without a word: how a
// sidecar refuses what it does not look into, and a gateway a name that it does not serve.
func Severed() Check { return FailedWith(probe.ClassClosed, probe.ClassReset) }

// Unanswered wants the attempt to have come to nothing: severed, or no answer in time. It
// is for what stays refused after Severed has been seen: that a busy machine refuses late
// does not let anybody pass.
func Unanswered() Check {
	return FailedWith(probe.ClassClosed, probe.ClassReset, probe.ClassTimeout)
}

// FailedDuring wants the failure to have happened in this phase (probe's Phase
// constants).
func FailedDuring(phase string) Check {
	return CheckOf([]Field{FieldFailedDuring}, func(o probe.Observation) error {
		ok := o.Failure != nil && o.Failure.Phase == phase
		return verdict(o, unless(ok, FieldFailedDuring, phase, outcome(o)))
	})
}

// AlertIs wants the server to have refused with one of these TLS alerts, by their
// names in RFC 8446: "protocol_version", "certificate_required".
func AlertIs(alerts ...string) Check {
	return CheckOf([]Field{FieldTLSAlert}, func(o probe.Observation) error {
		if len(alerts) == 0 {
			return errNoChecks
		}
		f := o.Failure
		ok := f != nil && f.Class == probe.ClassTLSAlert && slices.Contains(alerts, f.Alert)
		return verdict(o, unless(ok, FieldTLSAlert, either(alerts), outcome(o)))
	})
}

// Dropped wants the connection attempt to have got no answer at all, which is how
// a NetworkPolicy refuses.
func Dropped() Check {
	return All(FailedDuring(probe.PhaseConnect), FailedWith(probe.ClassTimeout))
}

// ClientRefused wants the client not to have trusted the server, for this cause
// (probe's Verify constants).
func ClientRefused(cause string) Check {
	return CheckOf([]Field{FieldFailure, FieldVerificationCause}, func(o probe.Observation) error {
		got := outcome(o)
		if o.TLS != nil && o.TLS.VerifyCause != "" {
			got = o.TLS.VerifyCause
		}
		ok := o.Failure != nil && o.Failure.Class == probe.ClassTLSVerify
		return verdict(o,
			unless(ok, FieldFailure, probe.ClassTLSVerify, outcome(o)),
			differ(FieldVerificationCause, cause, got))
	})
}
