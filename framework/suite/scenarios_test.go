package suite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"syscall"
	"time"

	"meshgate/framework/cluster"
	"meshgate/framework/expect"
	"meshgate/framework/kube"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/replay"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// scenario is a suite to run in a child.
type scenario struct {
	suite  func(*world) Suite
	rounds []Round // none: one in which nothing is wrong
	limit  time.Duration
	hold   time.Duration  // how long is held; 0: not at all
	replay *replay.Target // replayed instead of run
	visit  func(*world)   // what somebody does when a feature is held; nil: nothing
}

func newCluster() *cluster.Cluster {
	return &cluster.Cluster{Name: "memory", Kubeconfig: "/home/me/kube config", Context: "memory"}
}

var errMesh = &expect.Mismatch{Field: "status", Want: "200", Got: "404"}

func fails(context.Context, *Env) error { return errMesh }

// given makes a ConfigMap in the suite's namespace.
func given(name string) Given {
	return func(*Env) (manifest.Set, error) {
		return manifest.NewSet(manifest.ConfigMap("bookinfo", name, map[string]string{"key": "right"})), nil
	}
}

// promise is a feature with a given of its own.
func promise(name string, then ...Step) Feature {
	return Feature{Name: name, Promise: "It works.", Spec: "spec.md#s", Given: []Given{given("given-" + lower(name))}, Then: then,
		Sabotage: []Sabotage{Withhold("ConfigMap", "given-"+lower(name), "status")}}
}

func lower(name string) string {
	out := []byte(name)
	for i, c := range out {
		out[i] = c | 0x20
	}
	return string(out)
}

func of(features ...Feature) Suite {
	return Suite{Name: "s", Promise: "It works.", Namespaces: []string{"bookinfo"}, Given: []Given{given("shared")}, Features: features}
}

func fixed(s Suite) scenario { return scenario{suite: func(*world) Suite { return s }} }

func scenarios() map[string]scenario {
	green, blue := promise("Green", Holds("see", nothing)), promise("Blue", Holds("see", nothing))
	red := promise("Red", Holds("see", fails), Holds("never asked", nothing))
	traced := promise("Traced", Holds("see", nothing))
	traced.Needs = []mesh.Capability{mesh.Tracing}
	noGiven := promise("NoGiven", Holds("see", nothing))
	noGiven.Given = append(noGiven.Given, func(*Env) (manifest.Set, error) { return manifest.Set{}, errors.New("the fixture is broken") })
	allTraced := of(green)
	allTraced.Needs = []mesh.Capability{mesh.Tracing}
	badGround := of(green)
	badGround.Given = append(badGround.Given, func(*Env) (manifest.Set, error) { panic("the applications are broken") })
	missing := Withhold("ConfigMap", "gone", "status")
	sees := promise("Sees", Holds("see", seesGiven))
	meddled := promise("Sees", Holds("see", seesGiven), Holds("see again", seesGiven))
	meddled.Sabotage = []Sabotage{Meddle("see again", "its fixture is taken away", "status", func(ctx context.Context, e *Env) error {
		return e.Withdraw(ctx, "ConfigMap", "given-sees")
	})}
	unlogged := missing.At(closing()[0].Name)
	untraced := missing.Needing(mesh.Tracing)
	all := map[string]scenario{
		"green":      fixed(of(green)),
		"red":        fixed(of(red, green)),
		"skip":       fixed(of(traced, green)),
		"skip-all":   fixed(allTraced),
		"bad-given":  fixed(of(noGiven, green)),
		"bad-ground": fixed(badGround),
		"panic":      fixed(of(promise("Panics", Holds("see", func(context.Context, *Env) error { panic("oops") })), green)),
		"interrupt":  fixed(of(promise("Interrupted", Holds("see", interrupted)))),
		"timeout":    {suite: func(*world) Suite { return of(promise("Slow", Holds("see", untilTheEnd))) }, limit: 2 * time.Second},
		"invalid":    fixed(of(promise("Empty"))),
		"no-bed":     {suite: func(w *world) Suite { w.broken = errors.New("no room on the disk"); return of(green) }},
		"leftover":   {suite: func(w *world) Suite { return of(promise("Leaves", Do("leave", w.leave), Holds("see", nothing))) }},
		"immovable":  {suite: func(w *world) Suite { return of(promise("Leaves", Do("leave", w.leaveHeld), Holds("see", nothing))) }},
		"killed":     {suite: func(w *world) Suite { w.broken = w.killed("s-Green"); return of(green) }},
		"stuck":      {suite: func(w *world) Suite { return of(promise("Stuck", Do("hold", w.hold), Holds("see", nothing))) }},
		"foreign":    {suite: func(w *world) Suite { return of(promise("Foreign", Do("take", w.take), Holds("see", nothing))) }},
		"no-log":     {suite: func(w *world) Suite { w.noLog = true; return of(green) }},
		"unshown": {suite: func(w *world) Suite { w.noLog = true; return of(green, blue) }, rounds: []Round{
			{Wrong: map[string]*Sabotage{"s/Green": &unlogged, "s/Blue": &untraced}}}},
		"no-target": {suite: func(*world) Suite { return of(green) }, rounds: []Round{{Wrong: map[string]*Sabotage{"s/Green": &missing}}}},
		"withheld":  {suite: func(*world) Suite { return of(sees) }, rounds: []Round{{Wrong: map[string]*Sabotage{"s/Sees": &sees.Sabotage[0]}}}},
		"meddled":   {suite: func(*world) Suite { return of(meddled) }, rounds: []Round{{Wrong: map[string]*Sabotage{"s/Sees": &meddled.Sabotage[0]}}}},
		"rounds": {suite: func(*world) Suite { return of(sees, green) }, rounds: []Round{
			{Wrong: map[string]*Sabotage{"s/Sees": &sees.Sabotage[0]}}, {Only: map[string]bool{"s/Sees": true}}}},
		"edited":      fixed(of(promise("Edits", Do("edit", editTwice), Holds("see", nothing)))),
		"alone":       fixed(alone()),
		"unprepared":  fixed(unprepared(of(green))),
		"no-gateway":  fixed(behind(of(green), mesh.GatewaySpec{Name: "db-gateway", Ports: []int{27017}})),
		"recreated":   fixed(of(promise("Recreates", Do("recreate", recreate), Holds("see", nothing)))),
		"two-of-them": fixed(of(green, promise("Red", Holds("see", fails)), blue)),
	}
	maps.Copy(all, heldScenarios())
	return all
}

// alone has features that are to come one after another, after the one that is not.
func alone() Suite {
	one, two, last := promise("One", Holds("see", nothing)), promise("Two", Holds("see", nothing)), promise("Other", Holds("see", nothing))
	one.Alone, two.Alone = true, true
	return of(one, two, last)
}

func unprepared(s Suite) Suite {
	s.Prepare = func(context.Context, *Env) error {
		return errors.New("the database knows no user of that password")
	}
	return s
}

func behind(s Suite, g mesh.GatewaySpec) Suite {
	s.Gateways = []mesh.GatewaySpec{g}
	return s
}

// recreate takes what the suite shares away, and fails meanwhile.
func recreate(ctx context.Context, e *Env) error {
	shared := manifest.ConfigMap(e.Namespace("bookinfo"), "shared", nil)
	err := e.Recreate(ctx, "ConfigMap", "shared", func(ctx context.Context) error {
		if _, err := e.Kube.Get(ctx, shared); err == nil {
			return errMesh
		}
		return errors.New("meanwhile")
	})
	if err == nil || err.Error() != "meanwhile" {
		return fmt.Errorf("want the error of what was done meanwhile, got %w", err)
	}
	_, err = e.Kube.Get(ctx, shared)
	return err
}

// seesGiven asserts what the feature's own given brings about.
func seesGiven(ctx context.Context, e *Env) error {
	if _, err := e.Kube.Get(ctx, manifest.ConfigMap(e.Namespace("bookinfo"), "given-sees", nil)); err != nil {
		return errMesh
	}
	return nil
}

// interrupted is a user's Ctrl-C while an answer is still wrong.
func interrupted(ctx context.Context, _ *Env) error {
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		return err
	}
	<-ctx.Done()
	return errMesh
}

func untilTheEnd(ctx context.Context, _ *Env) error { <-ctx.Done(); return errMesh }

// leave makes an object that carries our label and that nobody registered.
func (w *world) leave(_ context.Context, e *Env) error {
	return w.server.Put(labelled(e.owner))
}

// leaveHeld does so, and the object cannot be removed.
func (w *world) leaveHeld(_ context.Context, e *Env) error {
	o := labelled(e.owner)
	o.SetFinalizers([]string{"example.com/hold"})
	return w.server.Put(o)
}

func labelled(owner kube.Owner) *unstructured.Unstructured {
	o := manifest.ConfigMap("istio-system", "left", nil)
	o.SetLabels(map[string]string{kube.OwnerLabel: string(owner)})
	return o
}

// killed is how a run of the suite leaves the cluster that was killed.
func (w *world) killed(owner kube.Owner) error {
	lease := &unstructured.Unstructured{}
	lease.SetAPIVersion("coordination.k8s.io/v1")
	lease.SetKind("Lease")
	lease.SetNamespace("istio-system")
	lease.SetName("meshgate-s")
	lease.SetLabels(map[string]string{kube.OwnerLabel: "reservation"})
	return errors.Join(w.server.Put(labelled(owner)), w.server.Put(lease))
}

// hold makes the feature's given impossible to remove.
func (w *world) hold(ctx context.Context, e *Env) error {
	o, err := e.Kube.Get(ctx, manifest.ConfigMap(e.Namespace("bookinfo"), "given-stuck", nil))
	if err != nil {
		return err
	}
	o.SetFinalizers([]string{"example.com/hold"})
	return w.server.Put(o)
}

// take tries to change what is somebody else's.
func (w *world) take(ctx context.Context, e *Env) error {
	theirs := manifest.ConfigMap("istio-system", "theirs", nil)
	if err := w.server.Put(theirs); err != nil {
		return err
	}
	return e.Make(ctx, theirs)
}

// editTwice changes a field and changes it back.
func editTwice(ctx context.Context, e *Env) error {
	for _, value := range []string{"wrong", "right"} {
		if err := e.Edit(ctx, manifest.SetField("ConfigMap", "given-edits", value, "data", "key")); err != nil {
			return err
		}
		got, err := e.Kube.Get(ctx, manifest.ConfigMap(e.Namespace("bookinfo"), "given-edits", nil))
		if err != nil {
			return err
		}
		if is := got.Object["data"].(map[string]any)["key"]; is != value {
			return &expect.Mismatch{Field: "data.key", Want: value, Got: is.(string)}
		}
	}
	return nil
}
