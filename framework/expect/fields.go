package expect

import "fmt"

// Field names what a mismatch is about. Reports show it, and a sabotage declares by which
// field its step must fail.
type Field string

// The fields of this package's checks.
const (
	// What a client was answered.
	FieldStatus            Field = "status"
	FieldOutcome           Field = "outcome"
	FieldAnswers           Field = "answers by status"
	FieldBody              Field = "body"
	FieldConnection        Field = "connection"
	FieldMadeBy            Field = "made by"
	FieldFailure           Field = "failure"
	FieldFailedDuring      Field = "failed during"
	FieldDocuments         Field = "documents"
	FieldConnectionsOpened Field = "connections opened"
	FieldSentOnTheWire     Field = "sent on the wire"
	FieldReceivedOnTheWire Field = "received on the wire"

	// The TLS handshake that the client took part in.
	FieldTLSVersion              Field = "TLS version"
	FieldALPN                    Field = "ALPN"
	FieldTLSAlert                Field = "TLS alert"
	FieldVerificationCause       Field = "verification cause"
	FieldCertificateVerification Field = "certificate verification"
	FieldCertificateSerial       Field = "certificate serial"
	FieldCertificateNames        Field = "certificate names"
	FieldCertificateKeyType      Field = "certificate key type"
	FieldCertificateSHA256       Field = "certificate SHA-256"

	// What the echo application says that it received.
	FieldReceivedTarget            Field = "received target"
	FieldReceivedMethod            Field = "received method"
	FieldReceivedSourceAddress     Field = "received source address"
	FieldReceivedApp               Field = "received by application"
	FieldReceivedTLS               Field = "received TLS"
	FieldReceivedTLSVersion        Field = "received TLS version"
	FieldReceivedSNI               Field = "received SNI"
	FieldReceivedClientCertificate Field = "received client certificate"

	// Lines of an access log, and their fields.
	FieldLogLines                Field = "access-log lines"
	FieldLogFormat               Field = "access-log format"
	FieldLogRequestIDOrUserAgent Field = "log request ID or user agent"
	FieldLogMethod               Field = "log method"
	FieldLogPath                 Field = "log path"
	FieldLogStatus               Field = "log status"
	FieldLogFlags                Field = "log flags"
	FieldLogDetails              Field = "log details"
	FieldLogUpstreamCluster      Field = "log upstream cluster"
	FieldLogAuthority            Field = "log authority"
	FieldLogRequestID            Field = "log request ID"
	FieldLogRoute                Field = "log route"
	FieldLogSNI                  Field = "log SNI"
	FieldLogUpstreamHost         Field = "log upstream host"
	FieldLogDownstreamRemote     Field = "log downstream remote"
	FieldLogDownstreamLocal      Field = "log downstream local"
	FieldLogStart                Field = "log start"
	FieldLogUpstreamPort         Field = "log upstream port"
	FieldLogDownstreamPort       Field = "log downstream port"
	FieldLogBytes                Field = "log bytes"
	FieldLogDuration             Field = "log duration"
	FieldLogTransportFailure     Field = "log transport failure"

	// Other logs.
	FieldControlPlaneLog Field = "control plane log"
	FieldServerLog       Field = "server's log"
)

// HeaderField is the field of a response header, which is called by the header's name.
func HeaderField(name string) Field { return Field(name) }

// ReceivedHeaderField is the field of a request header as the echo application received it.
func ReceivedHeaderField(name string) Field { return Field("received header " + name) }

// StarsField is the field of the stars that a reviewer gave on bookinfo's page.
func StarsField(reviewer string) Field { return Field("stars by " + reviewer) }

// StarColorField is the field of the colour of these stars.
func StarColorField(reviewer string) Field { return Field("colour of stars by " + reviewer) }

// TimeOfAnswerField is the field of when the nth answer came, counted from 1.
func TimeOfAnswerField(n int) Field { return Field(fmt.Sprintf("time of answer %d", n)) }
