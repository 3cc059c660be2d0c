package probe

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// alertNames are the names of RFC 8446, section 6, and of the older ones that
// servers still send (RFC 5246, section 7.2).
var alertNames = map[uint8]string{
	0:   "close_notify",
	10:  "unexpected_message",
	20:  "bad_record_mac",
	21:  "decryption_failed",
	22:  "record_overflow",
	30:  "decompression_failure",
	40:  "handshake_failure",
	42:  "bad_certificate",
	43:  "unsupported_certificate",
	44:  "certificate_revoked",
	45:  "certificate_expired",
	46:  "certificate_unknown",
	47:  "illegal_parameter",
	48:  "unknown_ca",
	49:  "access_denied",
	50:  "decode_error",
	51:  "decrypt_error",
	60:  "export_restriction",
	70:  "protocol_version",
	71:  "insufficient_security",
	80:  "internal_error",
	86:  "inappropriate_fallback",
	90:  "user_canceled",
	100: "no_renegotiation",
	109: "missing_extension",
	110: "unsupported_extension",
	112: "unrecognized_name",
	113: "bad_certificate_status_response",
	115: "unknown_psk_identity",
	116: "certificate_required",
	120: "no_application_protocol",
	121: "ech_required",
}

func alertName(code uint8) string {
	if name, ok := alertNames[code]; ok {
		return name
	}
	return fmt.Sprintf("alert(%d)", code)
}

// remoteAlert names the alert that the peer sent. crypto/tls keeps the alert's
// own type to itself but marks the error "remote error", and an exported type of
// the same number has the same text: so the number is found by the text.
func remoteAlert(err error) (string, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return "", false
	}
	for code := range 256 {
		if tls.AlertError(code).Error() == op.Err.Error() {
			return alertName(uint8(code)), true
		}
	}
	return op.Err.Error(), true
}
