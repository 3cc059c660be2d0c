package registry

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// newTransport reads the proxies of the environment when it is made, not once
// for the process, and gives up on a peer that says nothing for too long.
func newTransport(o Options) http.RoundTripper {
	proxy := httpproxy.FromEnvironment().ProxyFunc()
	dialer := &net.Dialer{Timeout: o.PingWithin, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: func(r *http.Request) (*url.URL, error) { return proxy(r.URL) },
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &stallConn{Conn: conn, after: o.StallAfter}, nil
		},
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: o.PingWithin,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     o.StallAfter,
	}
}

// stallConn ends a read that brings nothing for too long. The limit is on
// standing still, not on the whole: a slow line may take its time.
type stallConn struct {
	net.Conn
	after time.Duration
}

func (c *stallConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.after)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}
