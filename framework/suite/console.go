package suite

import (
	"bytes"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"meshgate/framework/expect"
	"meshgate/framework/probe"
)

// ControlPlaneLog is what istiod wrote since the feature began, all replicas.
func (e *Env) ControlPlaneLog(ctx context.Context) ([]byte, error) {
	return e.log(ctx, e.Mesh.Namespace, "app=istiod", "discovery")
}

// ServerLog is what the external server wrote since the feature began, see fixtures/world;
// the namespace is readable.
func (e *Env) ServerLog(ctx context.Context, namespace, app string) ([]byte, error) {
	return e.log(ctx, e.Namespace(namespace), "app="+app, agentContainer)
}

func (e *Env) log(ctx context.Context, namespace, selector, container string) ([]byte, error) {
	pods, err := e.pods(ctx, namespace, selector)
	if err != nil {
		return nil, err
	}
	var log bytes.Buffer
	for _, p := range pods {
		raw, err := e.readLog(ctx, p, container, e.began)
		if err != nil {
			return nil, Broken(err)
		}
		log.Write(raw)
	}
	return log.Bytes(), nil
}

// ControlPlaneNames asserts that istiod's log has a warning or an error which names the
// credential, as in: invalid certificates: … "kubernetes://rotation": pem decode failed.
func ControlPlaneNames(credential string) func(context.Context, *Env) error {
	return func(ctx context.Context, e *Env) error {
		log, err := e.ControlPlaneLog(ctx)
		if err != nil {
			return err
		}
		for line := range bytes.Lines(log) {
			if bytes.Contains(line, []byte("kubernetes://"+credential)) && (bytes.Contains(line, []byte("\terror\t")) || bytes.Contains(line, []byte("\twarn\t"))) {
				return nil
			}
		}
		return &expect.Mismatch{Field: "control plane log", Want: "a warning or an error about secret " + credential, Got: "none"}
	}
}

// Inside probes from the first pod of an application (the value of label "app") in which
// the agent runs; the namespace is readable.
func (e *Env) Inside(ctx context.Context, namespace, app string) (probe.Prober, error) {
	pods, err := e.pods(ctx, e.Namespace(namespace), "app="+app)
	if err != nil {
		return nil, err
	}
	return probe.Inside(e.Kube, pods[0].Namespace, pods[0].Name), nil
}

// pods are those that match; none is an error, since whoever asks needs one.
func (e *Env) pods(ctx context.Context, namespace, selector string) ([]corev1.Pod, error) {
	pods, err := e.Kube.Pods(ctx, namespace, selector)
	if err == nil && len(pods) == 0 {
		err = fmt.Errorf("no pod in %s matches %s", namespace, selector)
	}
	return pods, Broken(err)
}
