package runner

import (
	"context"
	"fmt"
	"meshgate/framework/suite"
	"net"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
	"meshgate/framework/wait"
)

func (e *environment) LoadBalancer(ctx context.Context, namespace, service string) (host string, err error) {
	ns := e.Namespace(namespace)
	d := wait.Deadline{Name: "load balancer's address of Service " + ns + "/" + service, Within: e.budget.Programmed}
	_, err = wait.Until(ctx, d, pollEvery, func(ctx context.Context) error {
		host, err = e.kube.LoadBalancer(ctx, ns, service)
		return err
	})
	return host, suite.Infrastructure(err)
}

func (e *environment) ClusterIP(ctx context.Context, namespace, service string) (string, error) {
	name := e.Namespace(namespace) + "/" + service
	e.mu.Lock()
	ip := e.addresses[name]
	e.mu.Unlock()
	if ip != "" {
		return ip, nil
	}
	ip, err := e.kube.ClusterIP(ctx, e.Namespace(namespace), service)
	if err != nil {
		return "", suite.Infrastructure(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.addresses[name] = ip
	return ip, nil
}

func (e *environment) External(ctx context.Context, namespace, service string) (ip string, err error) {
	if ip, err = e.ClusterIP(ctx, namespace, service); err != nil {
		return "", err
	}
	name := fmt.Sprintf("the external server %s/%s to answer at %s", e.Namespace(namespace), service, ip)
	r := probe.GET("http://" + net.JoinHostPort(ip, "80") + "/healthz")
	err = e.Await(ctx, name, func(ctx context.Context) error {
		return expect.Status(200).Judge(e.AskFrom(ctx, namespace, service, r))
	})
	return ip, suite.Infrastructure(err)
}

func (e *environment) AskServer(ctx context.Context, namespace, app string, port int, method, path string) ([]byte, error) {
	pods, err := e.pods(ctx, e.Namespace(namespace), "app="+app)
	if err != nil {
		return nil, err
	}
	body, err := e.kube.Ask(ctx, pods[0].Namespace, pods[0].Name, port, method, path, nil)
	return body, suite.Infrastructure(err)
}

// forward opens a port here that leads to a port of the first pod of an application.
func (e *environment) forward(ctx context.Context, namespace, app string, port int) (local string, stop func(), err error) {
	pods, err := e.pods(ctx, e.Namespace(namespace), "app="+app)
	if err != nil {
		return "", nil, err
	}
	local, stop, err = e.kube.Forward(ctx, pods[0].Namespace, pods[0].Name, port)
	return local, stop, suite.Infrastructure(err)
}
