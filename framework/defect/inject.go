package defect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"meshgate/framework/kube"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/testbed"
	"meshgate/framework/wait"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// owner is the owner label of the objects of defects.
const owner kube.Owner = "defect"

// pollEvery is the interval at which conditions are polled.
const pollEvery = 200 * time.Millisecond

// revertLimit bounds revert, which also runs after an interruption.
const revertLimit = 3 * time.Minute

// target is the mesh into which defects are injected.
type target struct {
	k      *kube.Client
	mesh   *mesh.Mesh
	budget wait.Budget
}

// newTarget refuses a mesh that meshgate has not installed.
func newTarget(bed *testbed.Bed) (target, error) {
	if bed.Mesh.Taken {
		return target{}, fmt.Errorf("mesh %s in %s: %w: defects are put only into a mesh that meshgate has installed", bed.Mesh.Flavour, bed.Mesh.Namespace, kube.ErrForeign)
	}
	return target{bed.Kube, bed.Mesh, bed.Config.Budget}, nil
}

// inject puts defects into the mesh and returns when every proxy has them. It first saves
// the previous configuration in the cluster, so that also another process can revert.
func (t target) inject(ctx context.Context, defects []Defect) error {
	r := record{}
	for _, d := range defects {
		r.Defects = append(r.Defects, d.Name)
		r.Objects = append(r.Objects, d.Objects...)
	}
	var err error
	if r.Mesh, err = t.meshConfig(ctx); err != nil {
		return err
	}
	if r.Env, err = t.env(ctx); err != nil {
		return err
	}
	if err := t.write(ctx, r); err != nil {
		return err
	}
	for _, d := range defects {
		if err := t.apply(ctx, d); err != nil {
			return fmt.Errorf("defect %s: %w", d.Name, err)
		}
	}
	if err := t.admitted(ctx, r.Objects); err != nil {
		return err
	}
	return t.programmed(ctx, mesh.Wanted{Applied: r.Objects})
}

func (t target) apply(ctx context.Context, d Defect) error {
	for _, o := range d.Objects {
		if err := t.k.Apply(ctx, owner, o); err != nil {
			return err
		}
		if o.GetKind() == "Deployment" {
			d := wait.Deadline{Name: kube.Name(o) + " ready", Within: t.budget.Ready}
			if err := t.k.AwaitDeployment(ctx, d, o.GetNamespace(), o.GetName(), nil); err != nil {
				return err
			}
		}
	}
	if len(d.MeshConfig) > 0 {
		before, err := t.meshConfig(ctx)
		if err != nil {
			return err
		}
		after, err := merged(before, d.MeshConfig)
		if err != nil {
			return err
		}
		if err := t.setMeshConfig(ctx, after); err != nil {
			return err
		}
	}
	if len(d.ControlPlane) == 0 {
		return nil
	}
	env, err := t.env(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(d.ControlPlane)) {
		env = slices.DeleteFunc(env, func(v corev1.EnvVar) bool { return v.Name == name })
		env = append(env, corev1.EnvVar{Name: name, Value: d.ControlPlane[name]})
	}
	return t.setEnv(ctx, env)
}

// revert removes every defect that the record in the cluster names. It succeeds when there
// is no record.
func (t target) revert(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), revertLimit)
	defer stop()
	r, err := t.read(ctx)
	if err != nil || r == nil {
		return err
	}
	if err := t.k.Delete(ctx, r.Objects...); err != nil {
		return err
	}
	if err := errors.Join(t.setMeshConfig(ctx, r.Mesh), t.setEnv(ctx, r.Env)); err != nil {
		return err
	}
	if err := t.programmed(ctx, mesh.Wanted{Deleted: r.Objects}); err != nil {
		return err
	}
	return t.k.Delete(ctx, t.recordObject(nil))
}

// Revert removes the defects that an interrupted run has left in the mesh.
func Revert(ctx context.Context, bed *testbed.Bed) error {
	t, err := newTarget(bed)
	if err != nil {
		return err
	}
	return t.revert(ctx)
}

func (t target) programmed(ctx context.Context, w mesh.Wanted) error {
	console := mesh.NewConsole(t.k, t.mesh)
	defer console.Close()
	_, err := console.AwaitProgrammed(ctx, t.budget.Programmed, w)
	return err
}

// record has the previous configuration of the mesh. A ConfigMap keeps it in the cluster
// until the defects are reverted.
type record struct {
	Defects []string
	Objects []*unstructured.Unstructured
	Mesh    string
	Env     []corev1.EnvVar
}

func (t target) recordObject(data map[string]string) *unstructured.Unstructured {
	return manifest.ConfigMap(t.mesh.Namespace, testbed.DefectRecord, data)
}

func (t target) write(ctx context.Context, r record) error {
	named := r
	named.Objects = nil
	for _, o := range r.Objects { // their names suffice to delete them
		bare := &unstructured.Unstructured{}
		bare.SetAPIVersion(o.GetAPIVersion())
		bare.SetKind(o.GetKind())
		bare.SetNamespace(o.GetNamespace())
		bare.SetName(o.GetName())
		named.Objects = append(named.Objects, bare)
	}
	data, err := json.Marshal(named)
	if err != nil {
		return err
	}
	return t.k.Apply(ctx, owner, t.recordObject(map[string]string{"defects": strings.Join(r.Defects, ", "), "record": string(data)}))
}

func (t target) read(ctx context.Context) (*record, error) {
	o, err := t.k.Get(ctx, t.recordObject(nil))
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, _, err := unstructured.NestedString(o.Object, "data", "record")
	if err != nil {
		return nil, err
	}
	var r record
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return nil, fmt.Errorf("record of defects %s: %w: remove the mesh with `meshgate down`", kube.Name(o), err)
	}
	return &r, nil
}

// suffix is what Istio appends to the names of its objects in a mesh with a revision.
func (t target) suffix() string {
	if t.mesh.Revision == "" {
		return ""
	}
	return "-" + t.mesh.Revision
}

// meshKey is the key of the mesh configuration in Istio's ConfigMap.
const meshKey = "mesh"

func (t target) meshConfig(ctx context.Context) (string, error) {
	m, err := t.k.Typed().CoreV1().ConfigMaps(t.mesh.Namespace).Get(ctx, "istio"+t.suffix(), metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("configuration of the mesh: %w", err)
	}
	return m.Data[meshKey], nil
}

// setMeshConfig replaces the mesh configuration and returns when istiod has read it. The
// kubelet updates a mounted ConfigMap once a minute, or when the pod changes; so it
// annotates the pods.
func (t target) setMeshConfig(ctx context.Context, text string) error {
	maps := t.k.Typed().CoreV1().ConfigMaps(t.mesh.Namespace)
	m, err := maps.Get(ctx, "istio"+t.suffix(), metav1.GetOptions{})
	if err != nil || m.Data[meshKey] == text {
		return err
	}
	console := mesh.NewConsole(t.k, t.mesh)
	defer console.Close()
	before, err := console.Get(ctx, "/debug/mesh")
	if err != nil {
		return err
	}
	m.Data[meshKey] = text
	if _, err := maps.Update(ctx, m, metav1.UpdateOptions{}); err != nil {
		return err
	}
	pods, err := t.k.Pods(ctx, t.mesh.Namespace, mesh.IstiodSelector(t.mesh.Revision))
	if err != nil {
		return err
	}
	for _, pod := range pods {
		pod.Annotations["meshgate.io/looked-after"] = time.Now().Format(time.RFC3339Nano)
		if _, err := t.k.Typed().CoreV1().Pods(pod.Namespace).Update(ctx, &pod, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	_, err = wait.Until(ctx, wait.Deadline{Name: "istiod has the mesh's new configuration", Within: t.budget.Ready}, pollEvery, func(ctx context.Context) error {
		now, err := console.Get(ctx, "/debug/mesh")
		if err != nil {
			return err
		}
		for pod, text := range now {
			if string(text) == string(before[pod]) {
				return fmt.Errorf("istiod %s still has the previous mesh configuration", pod)
			}
		}
		return nil
	})
	return err
}

// merged returns the mesh configuration with the changes merged into it, map by map.
func merged(text string, changes map[string]any) (string, error) {
	var all map[string]any
	if err := yaml.Unmarshal([]byte(text), &all); err != nil {
		return "", fmt.Errorf("configuration of the mesh: %w", err)
	}
	out, err := yaml.Marshal(manifest.Merge(all, changes))
	return string(out), err
}

// discovery is istiod's container.
const discovery = "discovery"

func (t target) env(ctx context.Context) ([]corev1.EnvVar, error) {
	d, err := t.k.Typed().AppsV1().Deployments(t.mesh.Namespace).Get(ctx, "istiod"+t.suffix(), metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("environment of istiod: %w", err)
	}
	for _, c := range d.Spec.Template.Spec.Containers {
		if c.Name == discovery {
			return c.Env, nil
		}
	}
	return nil, fmt.Errorf("environment of istiod: Deployment %s has no container %s", d.Name, discovery)
}

// setEnv replaces istiod's environment and returns when only pods with the new one run.
func (t target) setEnv(ctx context.Context, env []corev1.EnvVar) error {
	deployments := t.k.Typed().AppsV1().Deployments(t.mesh.Namespace)
	d, err := deployments.Get(ctx, "istiod"+t.suffix(), metav1.GetOptions{})
	if err != nil {
		return err
	}
	for i := range d.Spec.Template.Spec.Containers {
		c := &d.Spec.Template.Spec.Containers[i]
		if c.Name != discovery {
			continue
		}
		if sameEnv(c.Env, env) {
			return nil
		}
		c.Env = env
	}
	if _, err := deployments.Update(ctx, d, metav1.UpdateOptions{}); err != nil {
		return err
	}
	within := wait.Deadline{Name: "istiod runs with its new environment", Within: t.budget.Ready}
	if err := t.k.AwaitDeployment(ctx, within, d.Namespace, d.Name, nil); err != nil {
		return err
	}
	_, err = wait.Until(ctx, within, pollEvery, t.oldPodsGone)
	return err
}

// oldPodsGone is nil when no istiod pod is terminating: a proxy that is still connected to
// an old one has the configuration which that one sent last.
func (t target) oldPodsGone(ctx context.Context) error {
	pods, err := t.k.Typed().CoreV1().Pods(t.mesh.Namespace).List(ctx, metav1.ListOptions{LabelSelector: mesh.IstiodSelector(t.mesh.Revision)})
	if err != nil {
		return err
	}
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil {
			return fmt.Errorf("istiod %s is still terminating", pod.Name)
		}
	}
	return nil
}

func sameEnv(a, b []corev1.EnvVar) bool {
	x, _ := json.Marshal(a) //nolint:errchkjson // plain data
	y, _ := json.Marshal(b) //nolint:errchkjson // plain data
	return string(x) == string(y)
}

// admitted waits until the API server applies the admission policies among the objects. The
// server loads all policies together, so admitted creates the canary policy after them and
// waits until that one takes effect.
func (t target) admitted(ctx context.Context, objs []*unstructured.Unstructured) error {
	if !slices.ContainsFunc(objs, func(o *unstructured.Unstructured) bool { return strings.HasPrefix(o.GetKind(), "MutatingAdmission") }) {
		return nil
	}
	policies := canary(t.mesh.Namespace)
	if err := t.k.Apply(ctx, owner, policies...); err != nil {
		return err
	}
	defer func() { _ = t.k.Delete(context.WithoutCancel(ctx), policies...) }()
	_, err := wait.Until(ctx, wait.Deadline{Name: "the API server applies the admission policies", Within: t.budget.Programmed}, pollEvery, func(ctx context.Context) error {
		probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: canaryName, Namespace: t.mesh.Namespace}}
		got, err := t.k.Typed().CoreV1().ConfigMaps(t.mesh.Namespace).Create(ctx, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			return err
		}
		if got.Annotations[annotation] != canaryName {
			return errors.New("the canary policy has no effect yet")
		}
		return nil
	})
	return err
}
