package runner

import (
	"context"
	"errors"
	"fmt"
	"meshgate/framework/suite"
	"reflect"
	"slices"

	"meshgate/framework/kube"
	"meshgate/framework/manifest"
	"meshgate/framework/wait"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func (e *environment) Apply(ctx context.Context, setups ...suite.Setup) error {
	objs, err := e.objects(setups)
	if err != nil {
		return err
	}
	return e.make(ctx, objs...)
}

// setUp applies the objects of a feature. Before that the proxies must have forgotten those
// of an earlier feature: all that this one declares, also the one that a sabotage withholds,
// or a step would pass by what the earlier feature has left.
func (e *environment) setUp(ctx context.Context, declared, objs []*unstructured.Unstructured) error {
	if err := e.host.awaitDeleted(ctx, declared); err != nil {
		return suite.Infrastructure(err)
	}
	return e.make(ctx, objs...)
}

// objects makes the objects of the setups and fits them to suite and mesh.
func (e *environment) objects(setups []suite.Setup) ([]*unstructured.Unstructured, error) {
	var objs []*unstructured.Unstructured
	for _, setup := range setups {
		set, err := setup(e)
		if err != nil {
			return nil, suite.Infrastructure(err)
		}
		if set, err = e.fit(set); err != nil {
			return nil, suite.Infrastructure(err)
		}
		objs = append(objs, set.Objects()...)
	}
	return objs, nil
}

// make applies objects as they are and waits for the workloads among them.
func (e *environment) make(ctx context.Context, objs ...*unstructured.Unstructured) error {
	if err := e.refuseClaimedHosts(ctx, objs); err != nil {
		return suite.Infrastructure(err)
	}
	for _, o := range objs {
		e.register(o)
		err := e.kube.Apply(ctx, e.owner, o)
		if errors.Is(err, kube.ErrForeign) || errors.Is(err, kube.ErrTaken) {
			e.forget(o)
		}
		if err != nil {
			return suite.Infrastructure(err)
		}
		e.record(o, false)
	}
	e.noteChange()
	g, ctx := errgroup.WithContext(ctx)
	for _, o := range objs {
		if o.GetKind() == "Deployment" {
			g.Go(func() error { return e.ready(ctx, o) })
		}
	}
	return suite.Infrastructure(g.Wait())
}

// remove deletes objects that the feature made, and waits until they are gone.
func (e *environment) remove(ctx context.Context, objs ...*unstructured.Unstructured) error {
	if err := e.kube.Delete(ctx, objs...); err != nil {
		return suite.Infrastructure(err)
	}
	for _, o := range objs {
		e.record(o, true)
	}
	e.noteChange()
	return nil
}

func (e *environment) Delete(ctx context.Context, kind, name string) error {
	for _, o := range e.made() {
		if o.GetKind() == kind && o.GetName() == name {
			return e.remove(ctx, o)
		}
	}
	return suite.Infrastructure(fmt.Errorf("delete %s %s: the feature has made no object of that kind and name", kind, name))
}

func (e *environment) Recreate(ctx context.Context, kind, name string, meanwhile func(context.Context) error) error {
	if e.shared == nil {
		return suite.Infrastructure(fmt.Errorf("recreate %s %s: only a feature can do that, not the set-up of its suite", kind, name))
	}
	o, err := manifest.NewSet(e.shared.made()...).Object(kind, name)
	if err != nil {
		return suite.Infrastructure(err)
	}
	if err := e.remove(ctx, o); err != nil {
		return err
	}
	e.mu.Lock()
	clear(e.addresses) // a Service that is made again has another one
	e.mu.Unlock()
	err = errors.Join(meanwhile(ctx), e.shared.make(ctx, o))
	e.record(o, false)
	return err
}

func (e *environment) ready(ctx context.Context, o *unstructured.Unstructured) error {
	d := wait.Deadline{Name: kube.Name(o) + " ready", Within: e.budget.Ready}
	return e.kube.AwaitDeployment(ctx, d, o.GetNamespace(), o.GetName(), func(missing error) {
		if e.waiting != nil {
			e.waiting.Waiting(kube.Name(o), missing)
		}
	})
}

// register remembers an object for removal; it comes before the object is made,
// so that an interruption in between leaves nothing.
func (e *environment) register(o *unstructured.Unstructured) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := e.indexOf(o); i >= 0 {
		e.applied[i] = o // as it is from now on: Edit goes on from there
		return
	}
	e.applied = append(e.applied, o)
}

// forget takes back a registration: the object turned out to be somebody else's.
func (e *environment) forget(o *unstructured.Unstructured) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := e.indexOf(o); i >= 0 {
		e.applied = slices.Delete(e.applied, i, i+1)
	}
}

func (e *environment) indexOf(o *unstructured.Unstructured) int {
	return slices.IndexFunc(e.applied, func(a *unstructured.Unstructured) bool { return kube.Name(a) == kube.Name(o) })
}

func (e *environment) Edit(ctx context.Context, edit manifest.Edit) error {
	before := manifest.NewSet(e.made()...)
	after, err := before.With(edit)
	if err != nil {
		return suite.Infrastructure(err)
	}
	for i, o := range after.Objects() {
		if !reflect.DeepEqual(o, before.Objects()[i]) {
			if err := e.make(ctx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// made lists what was registered, in order of creation.
func (e *environment) made() []*unstructured.Unstructured {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.applied)
}

// fit turns readable fixtures into objects of this suite on this mesh.
func (e *environment) fit(set manifest.Set) (manifest.Set, error) {
	edits := []manifest.Edit{manifest.Namespaces(e.names)}
	if set.Has("Gateway") {
		edits = append(edits, manifest.Selectors(e.selectors()))
	}
	if set.Has("Deployment") {
		edits = append(edits, manifest.PodAnnotations(slowProbes()))
	}
	if len(e.images) > 0 && set.Has("Deployment") {
		edits = append(edits, manifest.Images(e.images))
	}
	out, err := set.With(edits...)
	if err != nil {
		return out, errors.Join(errors.New("fixtures do not fit this mesh"), err)
	}
	return out, nil
}

// slowProbes has the kubelet probe sidecars as seldom as Istio's default says. Our own mesh
// has every proxy probed each second, for the sake of its gateways, and a hundred probes a
// second keep a small machine from its work.
func slowProbes() map[string]string {
	return map[string]string{"readiness.status.sidecar.istio.io/periodSeconds": "15"}
}
