package probe

import (
	"net"
	"sync"
)

// wireBytes is how much of each direction is kept: enough for the header of a TLS
// record or of a message.
const wireBytes = 16

// Wire is how a connection began, below TLS: what anybody on the way could read.
type Wire struct {
	Sent     []byte `json:"sent,omitempty"`     // the first bytes of ours
	Received []byte `json:"received,omitempty"` // and of the peer's
}

// wire keeps the first bytes of a connection.
type wire struct {
	net.Conn
	mu   sync.Mutex
	seen Wire
}

// Read implements net.Conn.
func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.keep(&w.seen.Received, b[:n])
	return n, err
}

// Write implements net.Conn.
func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.keep(&w.seen.Sent, b[:n])
	return n, err
}

func (w *wire) keep(of *[]byte, b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*of = append(*of, b[:min(len(b), wireBytes-len(*of))]...)
}

func (w *wire) began() *Wire {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &Wire{Sent: append([]byte(nil), w.seen.Sent...), Received: append([]byte(nil), w.seen.Received...)}
}
