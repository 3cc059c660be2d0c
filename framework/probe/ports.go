package probe

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"syscall"
)

// Local ports of an agent lie below those that the kernel gives.
const (
	firstPort = 20000
	portCount = 12000
)

// ports are the local ports of an agent. Two connections to two places may have one local
// port, but a sidecar takes both in by the same address: then the kernel gives one of them
// another port on the way there, and the access log names that one. So an agent takes for
// each connection a port that none has had for long.
type ports struct{ taken atomic.Uint32 }

func newPorts() *ports {
	p := &ports{}
	p.taken.Store(rand.Uint32N(portCount))
	return p
}

func (p *ports) next() int { return firstPort + int(p.taken.Add(1)%portCount) }

// connect dials; without ports the kernel chooses one.
func (p *ports) connect(ctx context.Context, address string) (net.Conn, error) {
	if p != nil {
		for range 100 { // most of what is there is free
			d := net.Dialer{LocalAddr: &net.TCPAddr{Port: p.next()}}
			conn, err := d.DialContext(ctx, "tcp", address)
			if !errors.Is(err, syscall.EADDRINUSE) {
				return conn, err
			}
		}
	}
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}
