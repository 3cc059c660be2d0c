package kube

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// Forward makes a port of a pod reachable on a loopback address of this machine until the
// caller calls stop.
func (c *Client) Forward(ctx context.Context, ns, pod string, port int) (local string, stop func(), err error) {
	l, err := c.forward(ctx, ns, pod, port)
	if err != nil {
		return "", nil, fmt.Errorf("forward to %s/%s:%d: %w", ns, pod, port, err)
	}
	return l.local, l.stop, nil
}

// portForward is an open port-forward.
type portForward struct {
	local  string        // host:port
	client *http.Client  // keeps its connections open
	ended  chan struct{} // closed when the port-forward has ended
	stop   func()        // ends the port-forward
}

func (c *Client) forward(ctx context.Context, ns, pod string, port int) (*portForward, error) {
	transport, upgrader, err := spdy.RoundTripperFor(c.rest)
	if err != nil {
		return nil, err
	}
	url := c.typed.CoreV1().RESTClient().Post().Resource("pods").Namespace(ns).Name(pod).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	stopped, ready := make(chan struct{}), make(chan struct{})
	fw, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", port)}, stopped, ready, io.Discard, io.Discard)
	if err != nil {
		return nil, err
	}
	l := &portForward{client: newHTTPClient(), ended: make(chan struct{})}
	l.stop = func() {
		close(stopped)
		<-l.ended
		l.client.CloseIdleConnections()
	}
	var failed error
	go func() {
		failed = fw.ForwardPorts()
		close(l.ended)
	}()
	select {
	case <-ready:
	case <-l.ended:
		return nil, failed
	case <-ctx.Done():
		close(stopped)
		return nil, ctx.Err()
	}
	ports, err := fw.GetPorts()
	if err != nil {
		l.stop()
		return nil, err
	}
	l.local = fmt.Sprintf("127.0.0.1:%d", ports[0].Local)
	return l, nil
}

func (l *portForward) usable() bool {
	select {
	case <-l.ended:
		return false
	default:
		return true
	}
}
