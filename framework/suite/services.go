package suite

import (
	"context"
	"fmt"
	"net"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
	"meshgate/framework/wait"
)

// LoadBalancer waits until a Service of the suite has the address of a load balancer and
// returns it; the namespace is readable. A Service that never gets one says nothing
// about the mesh.
func (e *Env) LoadBalancer(ctx context.Context, namespace, service string) (host string, err error) {
	ns := e.Namespace(namespace)
	d := wait.Deadline{Name: "load balancer's address of Service " + ns + "/" + service, Within: e.Budget.Programmed}
	_, err = wait.Until(ctx, d, pollEvery, func(ctx context.Context) error {
		host, err = e.Kube.LoadBalancer(ctx, ns, service)
		return err
	})
	return host, Broken(err)
}

// ClusterIP is the address of a Service of the suite inside the cluster; the namespace
// is readable.
func (e *Env) ClusterIP(ctx context.Context, namespace, service string) (string, error) {
	ip, err := e.Kube.ClusterIP(ctx, e.Namespace(namespace), service)
	return ip, Broken(err)
}

// External is the address of a server of the suite that stands for the world outside of
// the mesh; the namespace is readable. That it answers on its own port is made sure of
// first, from its own pod by way of that address: if it does not, nothing about the mesh
// can be said.
func (e *Env) External(ctx context.Context, namespace, service string) (ip string, err error) {
	if ip, err = e.ClusterIP(ctx, namespace, service); err != nil {
		return "", err
	}
	name := fmt.Sprintf("the external server %s/%s answers at %s", e.Namespace(namespace), service, ip)
	r := probe.GET("http://" + net.JoinHostPort(ip, "80") + "/healthz")
	err = e.Await(ctx, name, func(ctx context.Context) error { return expect.Status(200)(e.AskFrom(ctx, namespace, service, r)) })
	return ip, Broken(err)
}

// AskServer asks an application about itself, past the mesh: for what the server counts,
// not for asserting that it is reached. The namespace is readable.
func (e *Env) AskServer(ctx context.Context, namespace, app string, port int, method, path string) ([]byte, error) {
	pods, err := e.pods(ctx, e.Namespace(namespace), "app="+app)
	if err != nil {
		return nil, err
	}
	body, err := e.Kube.Ask(ctx, pods[0].Namespace, pods[0].Name, port, method, path, nil)
	return body, Broken(err)
}

// Forward opens a way from here to a port of the first pod of an application, past the
// mesh: for setting a database up, not for asserting anything. The namespace is readable.
func (e *Env) Forward(ctx context.Context, namespace, app string, port int) (local string, stop func(), err error) {
	pods, err := e.pods(ctx, e.Namespace(namespace), "app="+app)
	if err != nil {
		return "", nil, err
	}
	local, stop, err = e.Kube.Forward(ctx, pods[0].Namespace, pods[0].Name, port)
	return local, stop, Broken(err)
}
