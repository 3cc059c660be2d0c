package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

const (
	// proxyContainer is the name of Envoy's container in sidecars, native sidecars
	// and gateways alike, and adminPort its admin interface on the pod's loopback.
	proxyContainer = "istio-proxy"
	adminPort      = 15000
	// discoveryContainer is istiod's container, and monitoringPort the one that
	// serves the debug interface to the pod's loopback without credentials.
	discoveryContainer = "discovery"
	monitoringPort     = 15014
)

// proxies collects the output of every proxy's admin interface.
func (s capture) proxies(pods []corev1.Pod) []task {
	var out []task
	for _, p := range pods {
		if hasProxy(p) {
			name := fmt.Sprintf("proxies/%s/%s", p.Namespace, p.Name)
			out = append(out, task{name, func(ctx context.Context) error { return s.proxy(ctx, name, p) }})
		}
	}
	return out
}

// hasProxy reports whether a pod has a running proxy: as a container, or as a native sidecar,
// which is an init container that keeps running.
func hasProxy(p corev1.Pod) bool {
	return slices.ContainsFunc(slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses), func(c corev1.ContainerStatus) bool {
		return c.Name == proxyContainer && c.State.Running != nil
	})
}

// proxy requests all admin pages of one proxy, the most important first.
func (s capture) proxy(ctx context.Context, name string, p corev1.Pod) error {
	l := s.open(ctx, p, adminPort, proxyContainer, "pilot-agent")
	defer l.close()
	var errs []error
	for _, q := range []struct {
		path, file string
		write      func(string, []byte) error
	}{
		{"config_dump", "config_dump.json", s.folder.document},
		{"clusters", "clusters.txt", s.folder.text},
		{"stats", "stats.txt", s.folder.text},
		{"listeners", "listeners.txt", s.folder.text},
		{"certs", "certs.json", s.folder.document},
	} {
		answer, err := l.get(ctx, "/"+q.path)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", q.path, err))
			continue
		}
		errs = append(errs, q.write(name+"/"+q.file, answer))
	}
	return errors.Join(errs...)
}

// istiod collects the view of every control plane on the proxies.
func (s capture) istiod(pods []corev1.Pod) []task {
	var out []task
	for _, p := range pods {
		if s.Mesh == nil || p.Namespace != s.Mesh.Namespace || p.Labels["app"] != "istiod" || p.Status.Phase != corev1.PodRunning {
			continue
		}
		name := fmt.Sprintf("istiod/%s/syncz", p.Name)
		out = append(out, task{name, func(ctx context.Context) error {
			l := s.open(ctx, p, monitoringPort, discoveryContainer, "pilot-discovery")
			defer l.close()
			answer, err := l.get(ctx, "/debug/syncz")
			if err != nil {
				return err
			}
			return s.folder.document(name+".json", answer)
		}})
	}
	return out
}
