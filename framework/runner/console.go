package runner

import (
	"bytes"
	"context"
	"fmt"
	"meshgate/framework/suite"

	"meshgate/framework/probe"

	corev1 "k8s.io/api/core/v1"
)

func (e *environment) ControlPlaneLog(ctx context.Context) ([]byte, error) {
	return e.log(ctx, e.mesh.Namespace, "app=istiod", "discovery")
}

func (e *environment) ServerLog(ctx context.Context, namespace, app string) ([]byte, error) {
	return e.log(ctx, e.Namespace(namespace), "app="+app, agentContainer)
}

func (e *environment) log(ctx context.Context, namespace, selector, container string) ([]byte, error) {
	pods, err := e.pods(ctx, namespace, selector)
	if err != nil {
		return nil, err
	}
	var log bytes.Buffer
	for _, p := range pods {
		raw, err := e.readLog(ctx, p, container, e.began)
		if err != nil {
			return nil, suite.Infrastructure(err)
		}
		log.Write(raw)
	}
	return log.Bytes(), nil
}

func (e *environment) Inside(ctx context.Context, namespace, app string) (probe.Prober, error) {
	pods, err := e.pods(ctx, e.Namespace(namespace), "app="+app)
	if err != nil {
		return nil, err
	}
	return probe.Inside(e.kube, pods[0].Namespace, pods[0].Name), nil
}

// pods are those that match; none is an error, since whoever asks needs one.
func (e *environment) pods(ctx context.Context, namespace, selector string) ([]corev1.Pod, error) {
	pods, err := e.kube.Pods(ctx, namespace, selector)
	if err == nil && len(pods) == 0 {
		err = fmt.Errorf("no pod in %s matches %s", namespace, selector)
	}
	return pods, suite.Infrastructure(err)
}
