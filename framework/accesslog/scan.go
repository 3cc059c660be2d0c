package accesslog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Scan reads a proxy's whole log. It skips the messages of the proxy and its agent. A line
// that begins like an access-log line but cannot be parsed is returned in unparsed, with its
// number and the reason. The error is that of reading r.
func Scan(r io.Reader) (lines []Line, unparsed []string, err error) {
	buffered := bufio.NewReader(r)
	for n := 1; ; n++ {
		text, err := buffered.ReadString('\n')
		whole := err == nil
		if text = strings.TrimRight(text, "\r\n"); claims(text) {
			line, bad := Parse(text)
			if bad == nil {
				lines = append(lines, line)
			} else {
				unparsed = append(unparsed, complaint(n, whole, bad, text))
			}
		}
		if errors.Is(err, io.EOF) {
			return lines, unparsed, nil
		}
		if err != nil {
			return lines, unparsed, fmt.Errorf("access log: line %d: %w", n, err)
		}
	}
}

// textStart is how a line of the text formats begins. Envoy's own messages have a
// blank between date and time, or no bracket.
var textStart = regexp.MustCompile(`^\[\d{4}-\d{2}-\d{2}T`)

// claims distinguishes access-log lines from all others in the same log. In JSON, messages of
// the agent and of Envoy have a level and no start time.
func claims(text string) bool {
	if strings.HasPrefix(text, "{") {
		return strings.Contains(text, `"`+nameStart+`"`) || !strings.Contains(text, `"level"`)
	}
	return textStart.MatchString(text)
}

func complaint(n int, whole bool, err error, text string) string {
	cut := ""
	if !whole {
		cut = "the log ends within this line: "
	}
	return fmt.Sprintf("line %d: %s%s: %s", n, cut, err, text)
}
