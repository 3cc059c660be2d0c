package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// proxyContainer is the name of Envoy's container in sidecars, native sidecars
// and gateways alike.
const proxyContainer = "istio-proxy"

// proxies collects from Envoy's admin interface, by way of the agent beside it.
func (s scene) proxies(pods []corev1.Pod) []task {
	var out []task
	for _, p := range pods {
		if !hasProxy(p) {
			continue
		}
		for _, q := range []struct {
			path, file string
			write      func(string, []byte) error
		}{
			{"config_dump", "config_dump.json", s.folder.document},
			{"clusters", "clusters.txt", s.folder.text},
			{"listeners", "listeners.txt", s.folder.text},
			{"stats", "stats.txt", s.folder.text},
			{"certs", "certs.json", s.folder.document},
		} {
			name := fmt.Sprintf("proxies/%s/%s/%s", p.Namespace, p.Name, q.path)
			file := fmt.Sprintf("proxies/%s/%s/%s", p.Namespace, p.Name, q.file)
			out = append(out, task{name, func(ctx context.Context) error {
				answer, err := s.execute(ctx, p, proxyContainer, "pilot-agent", "request", "GET", q.path)
				if err != nil {
					return err
				}
				return q.write(file, answer)
			}})
		}
	}
	return out
}

// hasProxy finds a proxy that runs: as a container, or as a native sidecar, which
// is an init container that stays.
func hasProxy(p corev1.Pod) bool {
	return slices.ContainsFunc(slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses), func(c corev1.ContainerStatus) bool {
		return c.Name == proxyContainer && c.State.Running != nil
	})
}

func (s scene) execute(ctx context.Context, p corev1.Pod, container string, cmd ...string) ([]byte, error) {
	stdout, _, err := s.Kube.Exec(ctx, p.Namespace, p.Name, container, cmd, nil)
	if err != nil {
		return nil, err
	}
	if len(stdout) == 0 {
		return nil, errors.New("the answer is empty")
	}
	return stdout, nil
}

// discoveryContainer is istiod's container, and monitoringPort the one that
// serves the debug interface to the pod's own loopback without credentials.
const (
	discoveryContainer = "discovery"
	monitoringPort     = 15014
)

// istiod collects what every control plane thinks of the proxies.
func (s scene) istiod(pods []corev1.Pod) []task {
	var out []task
	for _, p := range pods {
		if s.Mesh == nil || p.Namespace != s.Mesh.Namespace || p.Labels["app"] != "istiod" || p.Status.Phase != corev1.PodRunning {
			continue
		}
		name := fmt.Sprintf("istiod/%s/syncz", p.Name)
		out = append(out, task{name, func(ctx context.Context) error {
			answer, err := s.askIstiod(ctx, p, "/debug/syncz")
			if err != nil {
				return err
			}
			return s.folder.document(name+".json", answer)
		}})
	}
	return out
}

// askIstiod goes through a forwarded port: an image of istiod need hold nothing
// but istiod, while a forwarded port arrives wherever it listens. Where
// forwarding is not allowed, istiod's own command asks.
func (s scene) askIstiod(ctx context.Context, p corev1.Pod, path string) ([]byte, error) {
	answer, errForward := s.overPort(ctx, p, path)
	if errForward == nil {
		return answer, nil
	}
	answer, errExec := s.execute(ctx, p, discoveryContainer, "pilot-discovery", "request", "GET", path)
	if errExec == nil {
		return answer, nil
	}
	return nil, errors.Join(errForward, errExec)
}

func (s scene) overPort(ctx context.Context, p corev1.Pod, path string) ([]byte, error) {
	local, stop, err := s.Kube.Forward(ctx, p.Namespace, p.Name, monitoringPort)
	if err != nil {
		return nil, err
	}
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+local+path, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxFile))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status: want 200, got %d: %.200s", path, resp.StatusCode, body)
	}
	return body, err
}
