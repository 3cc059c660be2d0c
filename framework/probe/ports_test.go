package probe

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnAgentHasAPortOfItsOwnForEachConnection(t *testing.T) {
	p, seen := newPorts(), map[int]bool{}
	for range 20 {
		l, err := net.Listen("tcp", "127.0.0.1:0") // another place each time
		require.NoError(t, err)
		conn, err := p.connect(t.Context(), l.Addr().String())
		require.NoError(t, err)
		port := conn.LocalAddr().(*net.TCPAddr).Port
		assert.False(t, seen[port], port)
		assert.Less(t, port, firstPort+portCount)
		assert.GreaterOrEqual(t, port, firstPort)
		seen[port] = true
		require.NoError(t, conn.Close())
		require.NoError(t, l.Close())
	}
}

func TestAPortThatIsTakenIsPassedOver(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	p := newPorts()
	first, err := p.connect(t.Context(), l.Addr().String())
	require.NoError(t, err)
	defer func() { _ = first.Close() }()
	p.taken.Add(^uint32(0)) // the same again
	second, err := p.connect(t.Context(), l.Addr().String())
	require.NoError(t, err)
	defer func() { _ = second.Close() }()
	assert.NotEqual(t, first.LocalAddr().String(), second.LocalAddr().String())
}
