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

// owner is whose the objects of defects are.
const owner kube.Owner = "defect"

// pollEvery is the interval at which conditions are looked at.
const pollEvery = 200 * time.Millisecond

// mendLimit bounds the mending, which must also end after an interruption.
const mendLimit = 3 * time.Minute

// patient is the mesh under treatment.
type patient struct {
	k      *kube.Client
	mesh   *mesh.Mesh
	budget wait.Budget
}

// of refuses a mesh that somebody else has made.
func of(bed *testbed.Bed) (patient, error) {
	if bed.Mesh.Taken {
		return patient{}, fmt.Errorf("mesh %s in %s: %w: defects are put only into a mesh that meshgate has installed", bed.Mesh.Flavour, bed.Mesh.Namespace, kube.ErrForeign)
	}
	return patient{bed.Kube, bed.Mesh, bed.Config.Budget}, nil
}

// inflict puts defects into the mesh and returns when every proxy has them. What was
// there before is written down in the cluster first.
func (p patient) inflict(ctx context.Context, defects []Defect) error {
	r := record{}
	for _, d := range defects {
		r.Defects = append(r.Defects, d.Name)
		r.Objects = append(r.Objects, d.Objects...)
	}
	var err error
	if r.Mesh, err = p.meshConfig(ctx); err != nil {
		return err
	}
	if r.Env, err = p.env(ctx); err != nil {
		return err
	}
	if err := p.write(ctx, r); err != nil {
		return err
	}
	for _, d := range defects {
		if err := p.apply(ctx, d); err != nil {
			return fmt.Errorf("defect %s: %w", d.Name, err)
		}
	}
	if err := p.admitted(ctx, r.Objects); err != nil {
		return err
	}
	return p.programmed(ctx, mesh.Wanted{Applied: r.Objects})
}

func (p patient) apply(ctx context.Context, d Defect) error {
	for _, o := range d.Objects {
		if err := p.k.Apply(ctx, owner, o); err != nil {
			return err
		}
		if o.GetKind() == "Deployment" {
			d := wait.Deadline{Name: kube.Name(o) + " ready", Within: p.budget.Ready}
			if err := p.k.AwaitDeployment(ctx, d, o.GetNamespace(), o.GetName(), nil); err != nil {
				return err
			}
		}
	}
	if len(d.MeshConfig) > 0 {
		before, err := p.meshConfig(ctx)
		if err != nil {
			return err
		}
		after, err := laidOver(before, d.MeshConfig)
		if err != nil {
			return err
		}
		if err := p.setMeshConfig(ctx, after); err != nil {
			return err
		}
	}
	if len(d.ControlPlane) == 0 {
		return nil
	}
	env, err := p.env(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(d.ControlPlane)) {
		env = slices.DeleteFunc(env, func(v corev1.EnvVar) bool { return v.Name == name })
		env = append(env, corev1.EnvVar{Name: name, Value: d.ControlPlane[name]})
	}
	return p.setEnv(ctx, env)
}

// mend takes out every defect that the record in the cluster names. There being none is
// success.
func (p patient) mend(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), mendLimit)
	defer stop()
	r, err := p.read(ctx)
	if err != nil || r == nil {
		return err
	}
	if err := p.k.Delete(ctx, r.Objects...); err != nil {
		return err
	}
	if err := errors.Join(p.setMeshConfig(ctx, r.Mesh), p.setEnv(ctx, r.Env)); err != nil {
		return err
	}
	if err := p.programmed(ctx, mesh.Wanted{Deleted: r.Objects}); err != nil {
		return err
	}
	return p.k.Delete(ctx, p.recordObject(nil))
}

// Mend takes out of the mesh what an interrupted run has left in it.
func Mend(ctx context.Context, bed *testbed.Bed) error {
	p, err := of(bed)
	if err != nil {
		return err
	}
	return p.mend(ctx)
}

func (p patient) programmed(ctx context.Context, w mesh.Wanted) error {
	console := mesh.NewConsole(p.k, p.mesh)
	defer console.Close()
	_, err := console.AwaitProgrammed(ctx, p.budget.Programmed, w)
	return err
}

// record is what has to be put back, and lies in the cluster as long as it has.
type record struct {
	Defects []string
	Objects []*unstructured.Unstructured
	Mesh    string
	Env     []corev1.EnvVar
}

func (p patient) recordObject(data map[string]string) *unstructured.Unstructured {
	return manifest.ConfigMap(p.mesh.Namespace, testbed.DefectRecord, data)
}

func (p patient) write(ctx context.Context, r record) error {
	named := r
	named.Objects = nil
	for _, o := range r.Objects { // names are enough to remove them
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
	return p.k.Apply(ctx, owner, p.recordObject(map[string]string{"defects": strings.Join(r.Defects, ", "), "record": string(data)}))
}

func (p patient) read(ctx context.Context) (*record, error) {
	o, err := p.k.Get(ctx, p.recordObject(nil))
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

// suffix is what a revision adds to the names of Istio's own objects.
func (p patient) suffix() string {
	if p.mesh.Revision == "" {
		return ""
	}
	return "-" + p.mesh.Revision
}

// meshKey is where Istio's ConfigMap has the mesh's configuration.
const meshKey = "mesh"

func (p patient) meshConfig(ctx context.Context) (string, error) {
	m, err := p.k.Typed().CoreV1().ConfigMaps(p.mesh.Namespace).Get(ctx, "istio"+p.suffix(), metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("configuration of the mesh: %w", err)
	}
	return m.Data[meshKey], nil
}

// setMeshConfig replaces the configuration and returns when istiod has taken it up. The
// kubelet looks after a mounted ConfigMap once a minute, or when its pod changes.
func (p patient) setMeshConfig(ctx context.Context, text string) error {
	maps := p.k.Typed().CoreV1().ConfigMaps(p.mesh.Namespace)
	m, err := maps.Get(ctx, "istio"+p.suffix(), metav1.GetOptions{})
	if err != nil || m.Data[meshKey] == text {
		return err
	}
	console := mesh.NewConsole(p.k, p.mesh)
	defer console.Close()
	before, err := console.Get(ctx, "/debug/mesh")
	if err != nil {
		return err
	}
	m.Data[meshKey] = text
	if _, err := maps.Update(ctx, m, metav1.UpdateOptions{}); err != nil {
		return err
	}
	pods, err := p.k.Pods(ctx, p.mesh.Namespace, mesh.IstiodSelector(p.mesh.Revision))
	if err != nil {
		return err
	}
	for _, pod := range pods {
		pod.Annotations["meshgate.io/looked-after"] = time.Now().Format(time.RFC3339Nano)
		if _, err := p.k.Typed().CoreV1().Pods(pod.Namespace).Update(ctx, &pod, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	_, err = wait.Until(ctx, wait.Deadline{Name: "istiod has the mesh's new configuration", Within: p.budget.Ready}, pollEvery, func(ctx context.Context) error {
		now, err := console.Get(ctx, "/debug/mesh")
		if err != nil {
			return err
		}
		for pod, text := range now {
			if string(text) == string(before[pod]) {
				return fmt.Errorf("istiod %s still has the one before", pod)
			}
		}
		return nil
	})
	return err
}

// laidOver merges changes into the configuration, map by map.
func laidOver(text string, changes map[string]any) (string, error) {
	var all map[string]any
	if err := yaml.Unmarshal([]byte(text), &all); err != nil {
		return "", fmt.Errorf("configuration of the mesh: %w", err)
	}
	out, err := yaml.Marshal(manifest.Merge(all, changes))
	return string(out), err
}

// discovery is istiod's container.
const discovery = "discovery"

func (p patient) env(ctx context.Context) ([]corev1.EnvVar, error) {
	d, err := p.k.Typed().AppsV1().Deployments(p.mesh.Namespace).Get(ctx, "istiod"+p.suffix(), metav1.GetOptions{})
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

// setEnv replaces istiod's environment and returns when the new one has taken over.
func (p patient) setEnv(ctx context.Context, env []corev1.EnvVar) error {
	deployments := p.k.Typed().AppsV1().Deployments(p.mesh.Namespace)
	d, err := deployments.Get(ctx, "istiod"+p.suffix(), metav1.GetOptions{})
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
	within := wait.Deadline{Name: "istiod runs with its new environment", Within: p.budget.Ready}
	if err := p.k.AwaitDeployment(ctx, within, d.Namespace, d.Name, nil); err != nil {
		return err
	}
	_, err = wait.Until(ctx, within, pollEvery, p.onlyNew)
	return err
}

// onlyNew wants istiods that are no longer needed to be gone: a proxy that is still with
// one of them has what that one last said.
func (p patient) onlyNew(ctx context.Context) error {
	pods, err := p.k.Typed().CoreV1().Pods(p.mesh.Namespace).List(ctx, metav1.ListOptions{LabelSelector: mesh.IstiodSelector(p.mesh.Revision)})
	if err != nil {
		return err
	}
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil {
			return fmt.Errorf("istiod %s is still ending", pod.Name)
		}
	}
	return nil
}

func sameEnv(a, b []corev1.EnvVar) bool {
	x, _ := json.Marshal(a) //nolint:errchkjson // plain data
	y, _ := json.Marshal(b) //nolint:errchkjson // plain data
	return string(x) == string(y)
}

// admitted waits until the API server obeys the admission policies among the objects: it
// reads all of them together, so that one of our own which is seen to be obeyed, and was
// made after them, tells.
func (p patient) admitted(ctx context.Context, objs []*unstructured.Unstructured) error {
	if !slices.ContainsFunc(objs, func(o *unstructured.Unstructured) bool { return strings.HasPrefix(o.GetKind(), "MutatingAdmission") }) {
		return nil
	}
	policies := canary(p.mesh.Namespace)
	if err := p.k.Apply(ctx, owner, policies...); err != nil {
		return err
	}
	defer func() { _ = p.k.Delete(context.WithoutCancel(ctx), policies...) }()
	_, err := wait.Until(ctx, wait.Deadline{Name: "the API server obeys the admission policies", Within: p.budget.Programmed}, pollEvery, func(ctx context.Context) error {
		probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: canaryName, Namespace: p.mesh.Namespace}}
		got, err := p.k.Typed().CoreV1().ConfigMaps(p.mesh.Namespace).Create(ctx, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			return err
		}
		if got.Annotations[annotation] != canaryName {
			return errors.New("not yet")
		}
		return nil
	})
	return err
}
