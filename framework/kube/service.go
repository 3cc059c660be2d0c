package kube

import (
	"cmp"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ClusterIP is the address of a Service inside the cluster.
func (c *Client) ClusterIP(ctx context.Context, ns, name string) (string, error) {
	s, err := c.typed.CoreV1().Services(ns).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("service %s/%s: %w", ns, name, err)
	}
	if s.Spec.ClusterIP == "" || s.Spec.ClusterIP == corev1.ClusterIPNone {
		return "", fmt.Errorf("service %s/%s: want a cluster IP, got %q", ns, name, s.Spec.ClusterIP)
	}
	return s.Spec.ClusterIP, nil
}

// LoadBalancer is the address that the load balancer has assigned to a Service: an IP
// address or, if there is none, a host name. The error says why there is no address (yet).
func (c *Client) LoadBalancer(ctx context.Context, ns, name string) (string, error) {
	s, err := c.typed.CoreV1().Services(ns).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("service %s/%s: %w", ns, name, err)
	}
	for _, in := range s.Status.LoadBalancer.Ingress {
		if address := cmp.Or(in.IP, in.Hostname); address != "" {
			return address, nil
		}
	}
	if s.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return "", fmt.Errorf("service %s/%s: type: want LoadBalancer, got %s", ns, name, s.Spec.Type)
	}
	return "", fmt.Errorf("service %s/%s: the load balancer has assigned no address yet: does the cluster have a load balancer with a free address?", ns, name)
}
