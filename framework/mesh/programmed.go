package mesh

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"meshgate/framework/kube"
	"meshgate/framework/wait"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// quietFor is how long nothing may change before "every proxy is SYNCED" is believed. istiod
// collects events until none came for 100 ms (PILOT_DEBOUNCE_AFTER) and sends only then;
// until then the proxies look SYNCED with the previous configuration. It also sends in
// rounds: a proxy requests its routes only after it has acknowledged a listener, and looks
// SYNCED in between. The rest is a reserve for a busy machine.
const quietFor = 250 * time.Millisecond

// programmedEvery is the interval at which AwaitProgrammed polls.
const programmedEvery = 100 * time.Millisecond

// Wanted is a change of configuration that must reach the proxies.
type Wanted struct {
	Applied []*unstructured.Unstructured // istiod must have them at the API server's newest resource version
	Deleted []*unstructured.Unstructured // istiod must no longer have them
	Of      func(ProxyStatus) bool       // which proxies must be SYNCED; nil means all of the mesh
}

// AwaitProgrammed polls a Change until it is on every proxy, and returns how long that took:
// at least quietFor.
func (c *Console) AwaitProgrammed(ctx context.Context, within time.Duration, w Wanted) (wait.Outcome, error) {
	change := c.Change(w)
	return wait.Until(ctx, wait.Deadline{Name: "configuration on every proxy", Within: within}, programmedEvery, change.Programmed)
}

// Change follows one change of configuration on its way to the proxies. It is not safe for
// concurrent use; several may share a console.
type Change struct {
	console *Console
	wanted  Wanted
	state   string    // of istiods and proxies at the last check
	since   time.Time // when state was first seen
}

// Change begins to follow the wanted change.
func (c *Console) Change(w Wanted) *Change { return &Change{console: c, wanted: w} }

// Programmed is nil when every istiod has the change, every proxy has acknowledged what it
// was sent, and for quietFor no event came in and nothing was sent. The error says which of
// the three is missing. It must be called repeatedly: a single check cannot see that nothing
// changes.
//
// Objects that istiod does not list in its configuration (Secrets, Services, workloads) count
// as seen. A proxy that has acknowledged still needs a moment to drain old listeners, so
// effects must be polled from outside after this.
func (ch *Change) Programmed(ctx context.Context) error {
	state, err := ch.look(ctx)
	if err != nil {
		ch.state = ""
		return err
	}
	if state != ch.state {
		ch.state, ch.since = state, ch.console.now()
	}
	if ch.console.now().Sub(ch.since) < quietFor {
		return fmt.Errorf("istiod and proxies: want no change for %s, which has not passed yet: istiod may have more to send", quietFor)
	}
	return nil
}

// look returns a digest of the counters once everything is seen and acknowledged.
func (ch *Change) look(ctx context.Context) (string, error) {
	objs, err := ch.console.current(ctx, ch.wanted)
	if err != nil {
		return "", err
	}
	if err := ch.console.seen(ctx, objs); err != nil {
		return "", err
	}
	events, err := ch.events(ctx)
	if err != nil {
		return "", err
	}
	proxies, err := ch.console.Syncz(ctx)
	if err != nil {
		return "", err
	}
	proxies = Among(proxies, ch.wanted.Of)
	return events + sent(proxies), AllSynced(proxies)
}

// events counts the events that came in to each istiod.
func (ch *Change) events(ctx context.Context) (string, error) {
	answers, err := ch.console.ask(ctx, "/metrics")
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, a := range answers {
		n, err := inboundUpdates(a.body)
		if err != nil {
			return "", fmt.Errorf("metrics of %s: %w", a.pod, err)
		}
		fmt.Fprintf(&out, "%s=%g\n", a.pod, n)
	}
	return out.String(), nil
}

// sent lists what each proxy was sent last.
func sent(proxies []ProxyStatus) string {
	lines := make([]string, 0, len(proxies))
	for _, p := range proxies {
		l := p.Namespace + "/" + p.Proxy
		for _, t := range slices.Sorted(maps.Keys(p.Types)) {
			l += " " + p.Types[t].Sent
		}
		lines = append(lines, l)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Among returns the proxies for which meant is true; nil means all.
func Among(proxies []ProxyStatus, meant func(ProxyStatus) bool) []ProxyStatus {
	if meant == nil {
		return proxies
	}
	return slices.DeleteFunc(slices.Clone(proxies), func(p ProxyStatus) bool { return !meant(p) })
}

// In selects the proxies of these namespaces.
func In(namespaces ...string) func(ProxyStatus) bool {
	return func(p ProxyStatus) bool { return slices.Contains(namespaces, p.Namespace) }
}

// AllSynced is nil when every proxy has acknowledged what it was sent.
func AllSynced(proxies []ProxyStatus) error {
	var errs []error
	for _, p := range proxies {
		errs = append(errs, p.Check())
	}
	return errors.Join(errs...)
}

// object must be listed by istiod in this version; "" means that it must not be listed.
type object struct {
	kind, namespace, name, version string
}

func (o object) String() string { return o.kind + " " + o.namespace + "/" + o.name }

// resolve reads the newest version of each object that istiod lists from the API server.
func resolve(ctx context.Context, k *kube.Client, w Wanted) ([]object, error) {
	var out []object
	for _, o := range w.Applied {
		if !Listed(o) {
			continue
		}
		have, err := k.Get(ctx, o)
		if apierrors.IsNotFound(err) {
			return nil, wait.Final(fmt.Errorf("%s: want it programmed, but it does not exist: apply it first", kube.Name(o)))
		}
		if err != nil {
			return nil, err
		}
		out = append(out, object{o.GetKind(), o.GetNamespace(), o.GetName(), have.GetResourceVersion()})
	}
	for _, o := range w.Deleted {
		if Listed(o) {
			out = append(out, object{kind: o.GetKind(), namespace: o.GetNamespace(), name: o.GetName()})
		}
	}
	return out, nil
}

// arrived reports whether istiod has this version or a later one, as after istiod has written
// a status: resource versions are growing numbers.
func (o object) arrived(got string) bool {
	want, err := strconv.ParseUint(o.version, 10, 64)
	have, err2 := strconv.ParseUint(got, 10, 64)
	if err != nil || err2 != nil {
		return got == o.version
	}
	return have >= want
}

// Listed reports whether istiod lists objects of this kind in its configuration.
func Listed(o *unstructured.Unstructured) bool {
	return strings.HasSuffix(o.GroupVersionKind().Group, ".istio.io")
}

// seen names the objects that some istiod does not have in the wanted version.
func (c *Console) seen(ctx context.Context, want []object) error {
	if len(want) == 0 {
		return nil
	}
	answers, err := c.ask(ctx, "/debug/configz")
	if err != nil {
		return err
	}
	for _, a := range answers {
		have, err := parseConfigz(a.body)
		if err != nil {
			return fmt.Errorf("configz of %s: %w", a.pod, err)
		}
		if err := missing(a.pod, want, have); err != nil {
			return err
		}
	}
	return nil
}

func missing(istiod string, want []object, have map[object]string) error {
	var errs []error
	for _, w := range want {
		got := have[object{kind: w.kind, namespace: w.namespace, name: w.name}]
		switch {
		case w.arrived(got):
		case w.version == "":
			errs = append(errs, fmt.Errorf("istiod %s: %s: want it deleted, but istiod still has it", istiod, w))
		case got == "":
			errs = append(errs, fmt.Errorf("istiod %s: %s: not seen yet (nor will it be if its labels name another revision)", istiod, w))
		default:
			errs = append(errs, fmt.Errorf("istiod %s: %s: resource version: want %s, got %s", istiod, w, w.version, got))
		}
	}
	return errors.Join(errs...)
}
