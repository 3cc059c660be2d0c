package progress

import (
	"io"
	"strings"
	"sync"

	"github.com/jedib0t/go-pretty/v6/text"
)

// frames writes go-pretty's frames to a terminal. A frame begins by moving the cursor up
// over the live lines of the frame before. When the window has become narrower since,
// those lines take more rows, and frames moves up over these too.
type frames struct {
	w     io.Writer
	width func() int

	mu   sync.Mutex
	last []string // lines of the frame before
}

// upAndErase is what go-pretty writes to move up over one live line.
func upAndErase() string { return text.CursorUp.Sprint() + text.EraseLine.Sprint() }

func (f *frames) Write(frame []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body := string(frame)
	up := 0
	for strings.HasPrefix(body, upAndErase()) {
		body = strings.TrimPrefix(body, upAndErase())
		up++
	}
	extra := f.wrapped(up)
	f.last = strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	if _, err := io.WriteString(f.w, strings.Repeat(upAndErase(), extra+up)+body); err != nil {
		return 0, err
	}
	return len(frame), nil
}

// wrapped counts the additional rows that the last n lines take at the present width.
func (f *frames) wrapped(n int) int {
	width, rows := f.width(), 0
	for _, line := range f.last[max(0, len(f.last)-n):] {
		if columns := text.StringWidthWithoutEscSequences(line); columns > width && width > 0 {
			rows += (columns - 1) / width
		}
	}
	return rows
}

// line writes one line while no frame is live.
func (f *frames) line(s string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, _ = io.WriteString(f.w, s+"\n") // a failing terminal must not stop the work
}
