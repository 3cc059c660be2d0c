package expect

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"

	"meshgate/framework/probe"
)

// Documents wants a mongodb probe to have read exactly these documents, written as a
// JSON array, in the order of their IDs and without them.
func Documents(want string) Check {
	return CheckOf([]Field{FieldDocuments}, func(o probe.Observation) error {
		got := outcome(o)
		if o.Failure == nil {
			got = string(o.Body)
		}
		return verdict(o, unless(o.Failure == nil && sameJSON(want, got), FieldDocuments, want, got))
	})
}

// Connected wants the driver to have connected and, with a user, authenticated.
func Connected() Check {
	return CheckOf([]Field{FieldConnection}, func(o probe.Observation) error {
		return verdict(o, unless(o.Failure == nil && o.Proto != "", FieldConnection, "connected", outcome(o)))
	})
}

// ConnectionsAre wants a mongodb probe to have opened so many: a driver that had to try
// again has opened more.
func ConnectionsAre(want int) Check {
	return CheckOf([]Field{FieldConnectionsOpened}, func(o probe.Observation) error {
		return verdict(o, differ(FieldConnectionsOpened, fmt.Sprint(want), fmt.Sprint(len(o.Connections))))
	})
}

// AtTheFirstTry wants a mongodb probe to have opened one connection to watch the server and
// one to ask it: then none of them was lost on a way that was only being configured.
func AtTheFirstTry() Check { return ConnectionsAre(2) }

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// What a connection begins with, as anybody on the way reads it.
const (
	wireTLS     = "TLS records"
	wireMongoDB = "MongoDB messages in the clear"
)

// EncryptedOnTheWire wants nothing but TLS records on a mongodb probe's connection.
func EncryptedOnTheWire() Check { return onTheWire(wireTLS) }

// ClearOnTheWire wants MongoDB's messages themselves on the connection.
func ClearOnTheWire() Check { return onTheWire(wireMongoDB) }

func onTheWire(want string) Check {
	return CheckOf([]Field{FieldSentOnTheWire, FieldReceivedOnTheWire}, func(o probe.Observation) error {
		sent, received := "nothing", "nothing"
		if o.Wire != nil {
			sent, received = onWire(o.Wire.Sent), onWire(o.Wire.Received)
		}
		return verdict(o, differ(FieldSentOnTheWire, want, sent), differ(FieldReceivedOnTheWire, want, received))
	})
}

// TLS: a record's type (22 is handshake) and major version, RFC 8446 section 5.1.
// MongoDB: length, two IDs and the operation, OP_REPLY, OP_QUERY or OP_MSG
// (mongodb.com/docs/manual/reference/mongodb-wire-protocol).
func onWire(b []byte) string {
	const handshake, opcodeAt = 22, 12
	switch {
	case len(b) >= 2 && b[0] == handshake && b[1] == 3:
		return wireTLS
	case len(b) >= opcodeAt+4:
		switch binary.LittleEndian.Uint32(b[opcodeAt:]) {
		case 1, 2004, 2013:
			return wireMongoDB
		}
	}
	return fmt.Sprintf("%q", b)
}
