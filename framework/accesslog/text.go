package accesslog

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseText reads today's text format and the older one. They differ after the
// flags: the older has the policy status in quotes, today's has two bare words.
// Fields at the end may be missing, fields beyond the end are kept.
func parseText(line string) (Line, error) {
	c := &cursor{line: line}
	l := Line{Format: Text, Raw: line}
	l.Start = c.start()
	l.Method, l.Path, l.Protocol = c.request()
	l.Status = int(c.number(nameStatus))
	l.Flags = c.word(nameFlags)
	if c.quoteAhead() {
		l.Format = OldText
		l.MixerStatus = c.quoted(nameMixer)
	} else {
		l.Details = c.word(nameDetails)
		l.ConnectionTermination = c.untilQuote(nameTermination)
	}
	l.UpstreamTransportFailure = c.quoted(nameTransport)
	c.traffic(&l)
	c.addresses(&l)
	if c.err != nil {
		return Line{}, c.err
	}
	return l, nil
}

func (c *cursor) traffic(l *Line) {
	l.BytesReceived = c.number(nameReceived)
	l.BytesSent = c.number(nameSent)
	l.Duration = c.duration()
	l.UpstreamServiceTime = c.word(nameServiceTime)
	l.ForwardedFor = c.quoted(nameForwardedFor)
	l.UserAgent = c.quoted(nameUserAgent)
	l.RequestID = c.quoted(nameRequestID)
	l.Authority = c.quoted(nameAuthority)
}

func (c *cursor) addresses(l *Line) {
	l.UpstreamHost = c.quoted(nameUpstreamHost)
	l.UpstreamCluster = c.word(nameCluster)
	for _, field := range l.trailing() {
		*field = c.optional()
	}
	for n := 1; c.err == nil && c.pos < len(c.line); n++ {
		if l.Extra == nil {
			l.Extra = map[string]string{}
		}
		l.Extra["extra"+strconv.Itoa(n)] = c.extra()
	}
}

// trailing lists the fields that older lines may lack, in their order.
func (l *Line) trailing() [5]*string {
	return [...]*string{&l.UpstreamLocal, &l.DownstreamLocal, &l.DownstreamRemote, &l.SNI, &l.RouteName}
}

func formatText(l Line) string {
	var b strings.Builder
	fmt.Fprintf(&b, `[%s] "%s %s %s" %d %s `, timestamp(l.Start), l.Method, l.Path, l.Protocol, l.Status, l.Flags)
	if l.Format == OldText {
		fmt.Fprintf(&b, `"%s" `, l.MixerStatus)
	} else {
		fmt.Fprintf(&b, `%s %s `, l.Details, l.ConnectionTermination)
	}
	fmt.Fprintf(&b, `"%s" %d %d %s %s "%s" "%s" "%s" "%s" "%s" %s`, l.UpstreamTransportFailure,
		l.BytesReceived, l.BytesSent, milliseconds(l.Duration), l.UpstreamServiceTime, l.ForwardedFor,
		l.UserAgent, l.RequestID, l.Authority, l.UpstreamHost, l.UpstreamCluster)
	b.WriteString(tail(l))
	return b.String()
}

// tail writes the trailing fields as far as there are any, and the extra ones.
func tail(l Line) string {
	var words []string
	last := 0
	for _, field := range l.trailing() {
		words = append(words, *field)
		if *field != "" {
			last = len(words)
		}
	}
	for n := 1; ; n++ {
		extra, ok := l.Extra["extra"+strconv.Itoa(n)]
		if !ok {
			break
		}
		words = append(words, quoteIfNeeded(extra))
		last = len(words)
	}
	if last == 0 && l.UpstreamCluster == "" {
		return " " // an omitted value is only seen between two spaces
	}
	return strings.Join(append([]string{""}, words[:last]...), " ")
}

func quoteIfNeeded(s string) string {
	if s == "" || strings.Contains(s, " ") || strings.HasPrefix(s, `"`) {
		return `"` + s + `"`
	}
	return s
}

// timestamp has three digits after the point like Envoy's, or as many as needed.
func timestamp(t time.Time) string {
	if t.Nanosecond()%int(time.Millisecond) == 0 {
		return t.Format("2006-01-02T15:04:05.000Z07:00")
	}
	return t.Format(time.RFC3339Nano)
}

func milliseconds(d int64) string {
	if d == Unknown {
		return "-"
	}
	return strconv.FormatInt(d, 10)
}
