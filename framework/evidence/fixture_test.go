package evidence_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"

	"meshgate/framework/evidence"
	"meshgate/framework/kube"
)

var _ evidence.Cluster = (*kube.Client)(nil)

// cluster combines client-go's fakes with test doubles for exec and port-forwarding.
type cluster struct {
	typed   *fake.Clientset
	dynamic *dynamicfake.FakeDynamicClient
	exec    func(ctx context.Context, ns, pod, container string, cmd []string) ([]byte, error)
	ports   map[int]string // host:port that forwarding leads to; nil makes forwarding fail
}

func (c *cluster) Typed() kubernetes.Interface { return c.typed }
func (c *cluster) Dynamic() dynamic.Interface  { return c.dynamic }

func (c *cluster) Exec(ctx context.Context, ns, pod, container string, cmd []string, _ io.Reader) ([]byte, []byte, error) {
	out, err := c.exec(ctx, ns, pod, container, cmd)
	return out, nil, err
}

func (c *cluster) Forward(_ context.Context, _, _ string, port int) (string, func(), error) {
	if c.ports == nil {
		return "", nil, errors.New("forwarding is forbidden")
	}
	return c.ports[port], func() {}, nil
}

// planted are the secrets of one test, one for each place.
type planted struct{ key, token, password, cookie, registered string }

func plant(t *testing.T) planted {
	return planted{newKey(t), newToken(), "pw-" + rand.Text(), "ck-" + rand.Text(), "rg-" + rand.Text()}
}

func (p planted) all() map[string]string {
	return map[string]string{"key": p.key, "token": p.token, "password": p.password, "cookie": p.cookie, "registered": p.registered}
}

// everywhere is a text with every secret in it, as logs might contain them.
func (p planted) everywhere() string {
	return fmt.Sprintf("plain %s\nkey %s\nAuthorization: Bearer %s\nSet-Cookie: s=%s; Path=/\npassword=%s\nbase64 %s\n\x1b[31mred\n",
		p.registered, p.key, p.token, p.cookie, p.password, base64.StdEncoding.EncodeToString([]byte("x"+p.registered+"y")))
}

const member, system = "bookinfo-basic-gateway", "istio-system"

func proxied(ns, name string, native bool) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, Labels: map[string]string{"app": name}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning}}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	proxy := corev1.ContainerStatus{Name: "istio-proxy", State: running}
	if native {
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{proxy}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", State: running, RestartCount: 1}}
		return p
	}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{proxy}
	return p
}

// fixture is a cluster with secrets in every place that evidence is taken from.
func fixture(t *testing.T, p planted) *cluster {
	t.Helper()
	app := proxied(member, "productpage", true)
	app.Annotations = map[string]string{"kubectl.kubernetes.io/last-applied-configuration": p.everywhere()}
	app.Spec.Containers = []corev1.Container{{Name: "app", Args: []string{"--setup-password", p.password, "--token=" + p.token},
		Env: []corev1.EnvVar{{Name: "MONGO_PASSWORD", Value: p.password}, {Name: "MONGO_URI", Value: "mongodb://u:" + p.password + "@h/"}, {Name: "X", Value: p.registered}}}}
	istiod := proxied(system, "istiod", false)
	istiod.Status.ContainerStatuses[0].Name = "discovery"
	objs := []runtime.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: member, Labels: map[string]string{"istio-injection": "enabled"}}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: system}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: member, Name: "api-cert"},
			Data: map[string][]byte{"tls.key": []byte(p.key), "tls.crt": []byte("public"), "password": []byte(p.password), "token": []byte(p.token)}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: member, Name: "cm"},
			Data: map[string]string{"app.conf": p.everywhere(), "password": p.password}},
		&corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: member, Name: "e"}, Type: "Warning", Reason: "Unhealthy", Message: p.everywhere()},
		app, istiod, proxied(system, "ingressgateway", false),
	}
	typed := fake.NewClientset(objs...)
	typed.Resources = []*metav1.APIResourceList{{GroupVersion: "v1", APIResources: []metav1.APIResource{
		resource("secrets", "Secret"), resource("configmaps", "ConfigMap"), resource("pods", "Pod"), resource("events", "Event"), resource("services", "Service")}}}
	typed.PrependReactor("get", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if a.GetSubresource() != "log" {
			return false, nil, nil
		}
		o := a.(clienttesting.GenericAction).GetValue().(*corev1.PodLogOptions)
		return true, &runtime.Unknown{Raw: fmt.Appendf(nil, "log of %s previous=%v\n%s", o.Container, o.Previous, p.everywhere())}, nil
	})
	c := &cluster{typed: typed, dynamic: dynamicfake.NewSimpleDynamicClient(scheme.Scheme, objs...)}
	c.exec = func(_ context.Context, _, pod, container string, cmd []string) ([]byte, error) {
		return nil, fmt.Errorf("unexpected exec of %v in %s/%s", cmd, pod, container)
	}
	c.ports = map[int]string{
		15000: serve(t, func(path string) []byte { return admin(p, path) }),
		15014: serve(t, func(path string) []byte {
			return encoded([]any{map[string]string{"proxy": path, "note": p.everywhere()}})
		}),
	}
	return c
}

// admin is a proxy's admin interface.
func admin(p planted, path string) []byte {
	if path == "/config_dump" {
		return encoded(map[string]any{"secret": map[string]any{"private_key": map[string]string{"inline_string": p.key}},
			"headers": []any{map[string]string{"key": "cookie", "value": p.cookie}}, "x": p.everywhere()})
	}
	return []byte(path + " of a proxy\n" + p.everywhere())
}

func encoded(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return data
}

func serve(t *testing.T, answer func(path string) []byte) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(answer(r.URL.Path)) }))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func resource(name, kind string) metav1.APIResource {
	return metav1.APIResource{Name: name, Kind: kind, Namespaced: true, Verbs: metav1.Verbs{"list", "get"}}
}
