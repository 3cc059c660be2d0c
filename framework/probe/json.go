package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"
	"unicode/utf8"
)

// Bytes is a body. In JSON it is a string if it is UTF-8, so that a report can be
// read, else {"base64": "…"}.
type Bytes []byte

type base64Bytes struct {
	Base64 []byte `json:"base64"`
}

// MarshalJSON implements json.Marshaler.
func (b Bytes) MarshalJSON() ([]byte, error) {
	if utf8.Valid(b) {
		return json.Marshal(string(b))
	}
	return json.Marshal(base64Bytes{b})
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *Bytes) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		var s string
		err := json.Unmarshal(data, &s)
		*b = Bytes(s)
		return err
	}
	var raw base64Bytes
	err := json.Unmarshal(data, &raw)
	*b = raw.Base64
	return err
}

// MarshalJSON writes the timeout in milliseconds.
func (r Request) MarshalJSON() ([]byte, error) {
	type plain Request
	return json.Marshal(struct {
		plain
		Timeout float64 `json:"timeoutMs,omitempty"`
	}{plain(r), millis(r.Timeout)})
}

// UnmarshalJSON reads the timeout in milliseconds and refuses fields that a
// Request does not have: a misspelt option must not pass as one that is off.
func (r *Request) UnmarshalJSON(data []byte) error {
	type plain Request
	aux := struct {
		*plain
		Timeout float64 `json:"timeoutMs"`
	}{plain: (*plain)(r)}
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&aux); err != nil {
		return fmt.Errorf("probe request: %w", err)
	}
	r.Timeout = duration(aux.Timeout)
	return nil
}

type timingJSON struct {
	DNS       float64 `json:"dnsMs,omitempty"`
	Connect   float64 `json:"connectMs,omitempty"`
	TLS       float64 `json:"tlsMs,omitempty"`
	FirstByte float64 `json:"firstByteMs,omitempty"`
	Total     float64 `json:"totalMs"`
}

// MarshalJSON writes milliseconds.
func (t Timing) MarshalJSON() ([]byte, error) {
	return json.Marshal(timingJSON{millis(t.DNS), millis(t.Connect), millis(t.TLS), millis(t.FirstByte), millis(t.Total)})
}

// UnmarshalJSON reads milliseconds.
func (t *Timing) UnmarshalJSON(data []byte) error {
	var w timingJSON
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*t = Timing{duration(w.DNS), duration(w.Connect), duration(w.TLS), duration(w.FirstByte), duration(w.Total)}
	return nil
}

// millis rounds to a microsecond, so that what was written is what is read.
func millis(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)/time.Microsecond) / 1000
}

func duration(ms float64) time.Duration {
	return time.Duration(math.Round(ms*1000)) * time.Microsecond
}
