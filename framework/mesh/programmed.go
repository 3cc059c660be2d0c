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

// quietFor is how long nothing may have moved before "every proxy is SYNCED" is
// believed. istiod collects events until none came for 100 ms
// (PILOT_DEBOUNCE_AFTER) and only then sends; until then the proxies look SYNCED
// with what they had before. And what it sends goes in rounds: a proxy that has
// acknowledged a listener asks for its routes only then, and looks SYNCED between.
// The rest is for a machine that is busy.
const quietFor = 250 * time.Millisecond

// programmedEvery is the interval at which AwaitProgrammed looks.
const programmedEvery = 100 * time.Millisecond

// Wanted is a change of configuration whose arrival is to be known.
type Wanted struct {
	Applied []*unstructured.Unstructured // istiod must have them at the API server's newest resource version
	Deleted []*unstructured.Unstructured // istiod must have them no more
	Of      func(ProxyStatus) bool       // which proxies must be SYNCED; nil means all of the mesh
}

// AwaitProgrammed polls a Change until it is on every proxy, and says how long
// that took: at least quietFor.
func (c *Console) AwaitProgrammed(ctx context.Context, within time.Duration, w Wanted) (wait.Outcome, error) {
	change := c.Change(w)
	return wait.Until(ctx, wait.Deadline{Name: "configuration on every proxy", Within: within}, programmedEvery, change.Programmed)
}

// Change follows one change of configuration on its way to the proxies. It is
// not for concurrent use; any number of them may share a console.
type Change struct {
	console *Console
	wanted  Wanted
	state   string    // what istiods and proxies had come to at the last look
	since   time.Time // when state was first seen
}

// Change begins to follow what is wanted.
func (c *Console) Change(w Wanted) *Change { return &Change{console: c, wanted: w} }

// Programmed is nil when every istiod has seen the change, every proxy has
// acknowledged what it was sent, and nothing has moved since for quietFor: no
// event came in, nothing was sent. The error says which of the three is missing.
// It has to be asked again and again: a single look cannot tell.
//
// Objects that istiod does not list among its configuration (Secrets, Services,
// workloads) count as seen. A proxy that has acknowledged still needs a moment to
// drain old listeners: what is to be seen from outside is polled after this.
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
		return fmt.Errorf("istiod and proxies: not known to be quiet for %s yet: there may be more to send", quietFor)
	}
	return nil
}

// look returns a digest of what has moved, once all is seen and acknowledged.
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

// events counts what came in to each istiod.
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

// sent lists what each proxy was last sent.
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

// Among are those of the proxies that are meant; nil means all.
func Among(proxies []ProxyStatus, meant func(ProxyStatus) bool) []ProxyStatus {
	if meant == nil {
		return proxies
	}
	return slices.DeleteFunc(slices.Clone(proxies), func(p ProxyStatus) bool { return !meant(p) })
}

// In are the proxies of these namespaces.
func In(namespaces ...string) func(ProxyStatus) bool {
	return func(p ProxyStatus) bool { return slices.Contains(namespaces, p.Namespace) }
}

// AllSynced is nil when every one of the proxies has acknowledged what it was sent.
func AllSynced(proxies []ProxyStatus) error {
	var errs []error
	for _, p := range proxies {
		errs = append(errs, p.Check())
	}
	return errors.Join(errs...)
}

// object is what istiod is expected to list: version "" means it must not.
type object struct {
	kind, namespace, name, version string
}

func (o object) String() string { return o.kind + " " + o.namespace + "/" + o.name }

// resolve asks the API server for the newest version of each object that istiod
// lists in its configuration.
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

// arrived tells whether istiod has this version or, where istiod itself has written a
// status since, a later one: versions are numbers that grow.
func (o object) arrived(got string) bool {
	want, err := strconv.ParseUint(o.version, 10, 64)
	have, err2 := strconv.ParseUint(got, 10, 64)
	if err != nil || err2 != nil {
		return got == o.version
	}
	return have >= want
}

// Listed tells whether istiod lists objects of this kind among its configuration.
func Listed(o *unstructured.Unstructured) bool {
	return strings.HasSuffix(o.GroupVersionKind().Group, ".istio.io")
}

// seen says which objects some istiod does not have as they are wanted.
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
			errs = append(errs, fmt.Errorf("istiod %s: %s: want it gone, still there", istiod, w))
		case got == "":
			errs = append(errs, fmt.Errorf("istiod %s: %s: not seen yet (nor will it be if its labels name another revision)", istiod, w))
		default:
			errs = append(errs, fmt.Errorf("istiod %s: %s: resource version: want %s, got %s", istiod, w, w.version, got))
		}
	}
	return errors.Join(errs...)
}
