package accesslog

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// texts maps Istio's JSON names to the text fields of a line.
func (l *Line) texts() map[string]*string {
	return map[string]*string{
		"method": &l.Method, "path": &l.Path, "protocol": &l.Protocol,
		nameFlags: &l.Flags, nameDetails: &l.Details, nameTermination: &l.ConnectionTermination,
		nameMixer: &l.MixerStatus, nameTransport: &l.UpstreamTransportFailure,
		nameServiceTime: &l.UpstreamServiceTime, nameForwardedFor: &l.ForwardedFor,
		nameUserAgent: &l.UserAgent, nameRequestID: &l.RequestID, nameAuthority: &l.Authority,
		nameUpstreamHost: &l.UpstreamHost, nameCluster: &l.UpstreamCluster,
		nameUpstreamLocal: &l.UpstreamLocal, nameLocal: &l.DownstreamLocal, nameRemote: &l.DownstreamRemote,
		nameSNI: &l.SNI, nameRoute: &l.RouteName,
	}
}

func parseJSON(line string) (Line, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(line), &raw); err != nil {
		return Line{}, &ParseError{Field: "line", Want: "JSON (" + err.Error() + ")", Got: line}
	}
	l := Line{Format: JSON, Raw: line, Duration: Unknown}
	if _, ok := raw[nameStart]; !ok {
		return Line{}, &ParseError{Field: nameStart, Want: "a time", Got: "no such field"}
	}
	texts := l.texts()
	for name, value := range raw {
		if err := l.take(name, scalar(value), texts[name]); err != nil {
			return Line{}, err
		}
	}
	return l, nil
}

// take stores one field of the JSON object: a number, a text, or a field that Istio does not
// have.
func (l *Line) take(name string, v jsonText, text *string) (err error) {
	switch {
	case name == nameStart:
		l.Start, err = v.time()
	case name == nameStatus:
		var n int64
		n, err = v.number(name, 0)
		l.Status = int(n)
	case name == nameReceived:
		l.BytesReceived, err = v.number(name, 0)
	case name == nameSent:
		l.BytesSent, err = v.number(name, 0)
	case name == nameDuration:
		l.Duration, err = v.number(name, Unknown)
	case text == nil:
		if l.Extra == nil {
			l.Extra = map[string]string{}
		}
		l.Extra[name] = v.text
	case v.compound:
		err = &ParseError{Field: name, Want: "a text, a number or null", Got: v.text}
	default:
		*text = v.text
	}
	return err
}

// jsonText is a value in the form of the text formats.
type jsonText struct {
	text     string
	compound bool // an object, a list or a truth value
}

func scalar(raw json.RawMessage) jsonText {
	trimmed := strings.TrimSpace(string(raw))
	switch trimmed[0] {
	case 'n':
		return jsonText{text: "-"}
	case '"':
		return jsonText{text: unquote(trimmed)}
	case '{', '[', 't', 'f':
		return jsonText{text: trimmed, compound: true}
	}
	return jsonText{text: trimmed}
}

// unquote reads a JSON string; most have nothing to unescape.
func unquote(s string) string {
	if !strings.Contains(s, `\`) && utf8.ValidString(s) {
		return s[1 : len(s)-1]
	}
	var out string
	_ = json.Unmarshal([]byte(s), &out) // it has been read once: it is a valid string
	return out
}

func (v jsonText) number(name string, absent int64) (int64, error) {
	if v.text == "-" || v.text == "" {
		return absent, nil
	}
	n, err := strconv.ParseUint(v.text, 10, 63)
	if err != nil {
		return 0, &ParseError{Field: name, Want: "a whole number", Got: v.text}
	}
	return int64(n), nil
}

func (v jsonText) time() (time.Time, error) {
	t, err := time.Parse(time.RFC3339, v.text)
	if err != nil {
		return t, &ParseError{Field: nameStart, Want: "a time such as 2006-01-02T15:04:05.000Z", Got: v.text}
	}
	return t, nil
}

// formatJSON writes the fields in the order of their names, as Istio asks Envoy to.
func formatJSON(l Line) string {
	out := map[string]any{
		nameStart: timestamp(l.Start), nameStatus: l.Status,
		nameReceived: l.BytesReceived, nameSent: l.BytesSent,
	}
	if l.Duration != Unknown {
		out[nameDuration] = l.Duration
	}
	for name, field := range l.texts() {
		switch *field {
		case "":
		case "-":
			out[name] = nil
		default:
			out[name] = *field
		}
	}
	for name, value := range l.Extra {
		out[name] = value
	}
	data, _ := json.Marshal(out) // texts and numbers: nothing that could fail
	return string(data)
}
