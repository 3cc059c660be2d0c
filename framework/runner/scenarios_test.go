package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"meshgate/framework/suite"
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
	suite  func(*world) suite.Suite
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

func fails(context.Context, *environment) error { return errMesh }

// given makes a ConfigMap in the suite's namespace.
func given(name string) suite.Setup {
	return func(suite.Env) (manifest.Set, error) {
		return manifest.NewSet(manifest.ConfigMap("bookinfo", name, map[string]string{"key": "right"})), nil
	}
}

// promise is a feature with a given of its own.
func promise(name string, steps ...suite.Step) suite.Feature {
	return suite.Feature{Name: name, Promise: "It works.", Spec: "docs/spec/s.md", Setup: []suite.Setup{given("given-" + lower(name))}, Steps: steps,
		Sabotage: []suite.Sabotage{suite.Withhold("ConfigMap", "given-"+lower(name), "status")}}
}

func lower(name string) string {
	out := []byte(name)
	for i, c := range out {
		out[i] = c | 0x20
	}
	return string(out)
}

func of(features ...suite.Feature) suite.Suite {
	return suite.Suite{Name: "s", Promise: "It works.", Namespaces: []string{"bookinfo"}, Setup: []suite.Setup{given("shared")}, Features: features}
}

func fixed(s suite.Suite) scenario { return scenario{suite: func(*world) suite.Suite { return s }} }

func scenarios() map[string]scenario {
	green, blue := promise("Green", holds("see", nothing)), promise("Blue", holds("see", nothing))
	red := promise("Red", holds("see", fails), holds("never asked", nothing))
	traced := promise("Traced", holds("see", nothing))
	traced.Needs = []mesh.Capability{mesh.Tracing}
	noGiven := promise("NoGiven", holds("see", nothing))
	noGiven.Setup = append(noGiven.Setup, func(suite.Env) (manifest.Set, error) { return manifest.Set{}, errors.New("the fixture is broken") })
	allTraced := of(green)
	allTraced.Needs = []mesh.Capability{mesh.Tracing}
	badGround := of(green)
	badGround.Setup = append(badGround.Setup, func(suite.Env) (manifest.Set, error) { panic("the applications are broken") })
	missing := suite.Withhold("ConfigMap", "gone", "status")
	sees := promise("Sees", holds("see", seesGiven))
	sabotaged := promise("Sees", holds("see", seesGiven), holds("see again", seesGiven))
	sabotaged.Sabotage = []suite.Sabotage{suite.BreakBefore("see again", "its fixture is taken away", "status", suite.Func(func(ctx context.Context, e suite.Env) error {
		return e.Delete(ctx, "ConfigMap", "given-sees")
	}))}
	unlogged := missing.At(closing()[0].Name)
	untraced := missing.Needing(mesh.Tracing)
	all := map[string]scenario{
		"green":      fixed(of(green)),
		"red":        fixed(of(red, green)),
		"skip":       fixed(of(traced, green)),
		"skip-all":   fixed(allTraced),
		"bad-given":  fixed(of(noGiven, green)),
		"bad-ground": fixed(badGround),
		"panic":      fixed(of(promise("Panics", holds("see", func(context.Context, *environment) error { panic("oops") })), green)),
		"interrupt":  fixed(of(promise("Interrupted", holds("see", interrupted)))),
		"timeout":    {suite: func(*world) suite.Suite { return of(promise("Slow", holds("see", untilTheEnd))) }, limit: 2 * time.Second},
		"invalid":    fixed(of(promise("Empty"))),
		"no-bed":     {suite: func(w *world) suite.Suite { w.broken = errors.New("no room on the disk"); return of(green) }},
		"leftover": {suite: func(w *world) suite.Suite {
			return of(promise("Leaves", does("leave", w.leave), holds("see", nothing)))
		}},
		"immovable": {suite: func(w *world) suite.Suite {
			return of(promise("Leaves", does("leave", w.leaveHeld), holds("see", nothing)))
		}},
		"killed":  {suite: func(w *world) suite.Suite { w.broken = w.killed("s-Green"); return of(green) }},
		"stuck":   {suite: func(w *world) suite.Suite { return of(promise("Stuck", does("hold", w.hold), holds("see", nothing))) }},
		"foreign": {suite: func(w *world) suite.Suite { return of(promise("Foreign", does("take", w.take), holds("see", nothing))) }},
		"no-log":  {suite: func(w *world) suite.Suite { w.noLog = true; return of(green) }},
		"unshown": {suite: func(w *world) suite.Suite { w.noLog = true; return of(green, blue) }, rounds: []Round{
			{Wrong: map[string]*suite.Sabotage{"s/Green": &unlogged, "s/Blue": &untraced}}}},
		"no-target": {suite: func(*world) suite.Suite { return of(green) }, rounds: []Round{{Wrong: map[string]*suite.Sabotage{"s/Green": &missing}}}},
		"withheld":  {suite: func(*world) suite.Suite { return of(sees) }, rounds: []Round{{Wrong: map[string]*suite.Sabotage{"s/Sees": &sees.Sabotage[0]}}}},
		"sabotaged": {suite: func(*world) suite.Suite { return of(sabotaged) }, rounds: []Round{{Wrong: map[string]*suite.Sabotage{"s/Sees": &sabotaged.Sabotage[0]}}}},
		"rounds": {suite: func(*world) suite.Suite { return of(sees, green) }, rounds: []Round{
			{Wrong: map[string]*suite.Sabotage{"s/Sees": &sees.Sabotage[0]}}, {Only: map[string]bool{"s/Sees": true}}}},
		"edited":      fixed(of(promise("Edits", does("edit", editTwice), holds("see", nothing)))),
		"alone":       fixed(alone()),
		"unprepared":  fixed(unprepared(of(green))),
		"no-gateway":  fixed(behind(of(green), mesh.GatewaySpec{Name: "db-gateway", Ports: []int{27017}})),
		"recreated":   fixed(of(promise("Recreates", does("recreate", recreate), holds("see", nothing)))),
		"two-of-them": fixed(of(green, promise("Red", holds("see", fails)), blue)),
	}
	maps.Copy(all, heldScenarios())
	return all
}

// alone has features that are to come one after another, after the one that is not.
func alone() suite.Suite {
	one, two, last := promise("One", holds("see", nothing)), promise("Two", holds("see", nothing)), promise("Other", holds("see", nothing))
	one.Alone, two.Alone = true, true
	return of(one, two, last)
}

func unprepared(s suite.Suite) suite.Suite {
	s.Prepare = func(context.Context, suite.Env) error {
		return errors.New("the database knows no user of that password")
	}
	return s
}

func behind(s suite.Suite, g mesh.GatewaySpec) suite.Suite {
	s.Gateways = []mesh.GatewaySpec{g}
	return s
}

// recreate takes what the suite shares away, and fails meanwhile.
func recreate(ctx context.Context, e *environment) error {
	shared := manifest.ConfigMap(e.Namespace("bookinfo"), "shared", nil)
	err := e.Recreate(ctx, "ConfigMap", "shared", func(ctx context.Context) error {
		if _, err := e.kube.Get(ctx, shared); err == nil {
			return errMesh
		}
		return errors.New("meanwhile")
	})
	if err == nil || err.Error() != "meanwhile" {
		return fmt.Errorf("want the error of what was done meanwhile, got %w", err)
	}
	_, err = e.kube.Get(ctx, shared)
	return err
}

// seesGiven asserts what the feature's own given brings about.
func seesGiven(ctx context.Context, e *environment) error {
	if _, err := e.kube.Get(ctx, manifest.ConfigMap(e.Namespace("bookinfo"), "given-sees", nil)); err != nil {
		return errMesh
	}
	return nil
}

// interrupted is a user's Ctrl-C while an answer is still wrong.
func interrupted(ctx context.Context, _ *environment) error {
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		return err
	}
	<-ctx.Done()
	return errMesh
}

func untilTheEnd(ctx context.Context, _ *environment) error { <-ctx.Done(); return errMesh }

// leave makes an object that carries our label and that nobody registered.
func (w *world) leave(_ context.Context, e *environment) error {
	return w.server.Put(withLabels(e.owner))
}

// leaveHeld does so, and the object cannot be removed.
func (w *world) leaveHeld(_ context.Context, e *environment) error {
	o := withLabels(e.owner)
	o.SetFinalizers([]string{"example.com/hold"})
	return w.server.Put(o)
}

func withLabels(owner kube.Owner) *unstructured.Unstructured {
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
	return errors.Join(w.server.Put(withLabels(owner)), w.server.Put(lease))
}

// hold makes the feature's given impossible to remove.
func (w *world) hold(ctx context.Context, e *environment) error {
	o, err := e.kube.Get(ctx, manifest.ConfigMap(e.Namespace("bookinfo"), "given-stuck", nil))
	if err != nil {
		return err
	}
	o.SetFinalizers([]string{"example.com/hold"})
	return w.server.Put(o)
}

// take tries to change what is somebody else's.
func (w *world) take(ctx context.Context, e *environment) error {
	theirs := manifest.ConfigMap("istio-system", "theirs", nil)
	if err := w.server.Put(theirs); err != nil {
		return err
	}
	return e.make(ctx, theirs)
}

// editTwice changes a field and changes it back.
func editTwice(ctx context.Context, e *environment) error {
	for _, value := range []string{"wrong", "right"} {
		if err := e.Edit(ctx, manifest.SetField("ConfigMap", "given-edits", value, "data", "key")); err != nil {
			return err
		}
		got, err := e.kube.Get(ctx, manifest.ConfigMap(e.Namespace("bookinfo"), "given-edits", nil))
		if err != nil {
			return err
		}
		if is := got.Object["data"].(map[string]any)["key"]; is != value {
			return &expect.Mismatch{Field: "data.key", Want: value, Got: is.(string)}
		}
	}
	return nil
}
