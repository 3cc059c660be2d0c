package suite

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"meshgate/fixtures"
	"meshgate/framework/kube"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/wait"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Given is something that stands before the steps begin: objects in readable
// namespaces, which Stand fits to the suite and the mesh.
type Given func(*Env) (manifest.Set, error)

// Apply makes the fixtures that match the patterns, which are relative to the
// fixtures folder. A pattern that matches nothing is an error.
func Apply(globs ...string) Given {
	return func(*Env) (manifest.Set, error) { return manifest.Load(fixtures.FS, globs...) }
}

// Where makes what is given only on a mesh that has the capability.
func Where(c mesh.Capability, g Given) Given {
	return func(e *Env) (manifest.Set, error) {
		if e.Mesh.Has(c) != nil {
			return manifest.Set{}, nil
		}
		return g(e)
	}
}

// Credential makes a TLS secret in the shared gateway's namespace: a certificate
// that the run's CA signs. Steps get it by Env.Certificate.
func Credential(name string, leaf pki.Leaf) Given { return CredentialOf(ingressGateway, name, leaf) }

// CertificateIn makes a TLS secret in a namespace, by its readable name, for a server
// that is no gateway.
func CertificateIn(namespace, name string, leaf pki.Leaf) Given {
	return func(e *Env) (manifest.Set, error) {
		cert, err := e.Issue(name, leaf)
		if err != nil {
			return manifest.Set{}, err
		}
		return manifest.NewSet(manifest.TLSSecret(namespace, name, cert.CertPEM, cert.KeyPEM)), nil
	}
}

// CredentialOf is Credential for another gateway: the secret is where that one's pods are.
func CredentialOf(gateway, name string, leaf pki.Leaf) Given {
	return func(e *Env) (manifest.Set, error) { return CertificateIn(e.Gateway(gateway).Namespace, name, leaf)(e) }
}

// Issue signs a certificate and keeps it under a name for Certificate.
func (e *Env) Issue(name string, leaf pki.Leaf) (*pki.Certificate, error) {
	return e.issue(e.CA, name, leaf)
}

func (e *Env) issue(by *pki.CA, name string, leaf pki.Leaf) (*pki.Certificate, error) {
	cert, err := by.Issue(leaf)
	if err != nil {
		return nil, Broken(fmt.Errorf("certificate %s: %w", name, err))
	}
	e.secret(string(cert.KeyPEM))
	e.mu.Lock()
	defer e.mu.Unlock()
	e.certs[name] = cert
	return cert, nil
}

// Certificate is the one that was last issued under a name, by the feature or for its
// suite. A name that was never issued gives an empty certificate, which matches none
// that a server presents.
func (e *Env) Certificate(name string) *pki.Certificate {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.certs[name]; c != nil {
		return c
	}
	if e.shared != nil {
		return e.shared.Certificate(name)
	}
	return &pki.Certificate{}
}

// Stand applies the givens in order, waits for the workloads among them, and
// registers every object for removal before it is made.
func (e *Env) Stand(ctx context.Context, givens []Given) error {
	objs, err := e.objects(givens)
	if err != nil {
		return err
	}
	return e.Make(ctx, objs...)
}

// standWrong is Stand with something made wrong; nil: nothing. What steps add later is
// not meant by a sabotage.
func (e *Env) standWrong(ctx context.Context, givens []Given, wrong *Sabotage) error {
	objs, err := e.objects(givens)
	if err != nil {
		return err
	}
	var more []*unstructured.Unstructured
	if wrong != nil {
		if objs, more, err = e.sabotaged(objs, wrong); err != nil {
			return err
		}
	}
	if err := e.remade(ctx, slices.Concat(objs, more)); err != nil {
		return Broken(err)
	}
	if err := e.Make(ctx, slices.Concat(objs, more)...); err != nil || len(more) == 0 {
		return err
	}
	return Broken(e.effective(ctx, mesh.Wanted{Applied: more})) // a step may look only once
}

// sabotaged is what is given with the sabotage done, and what stands beside it.
func (e *Env) sabotaged(objs []*unstructured.Unstructured, wrong *Sabotage) (given, more []*unstructured.Unstructured, err error) {
	if given, err = wrong.apply(objs); err != nil || wrong.more == nil {
		return given, nil, Broken(err)
	}
	more, err = e.objects([]Given{wrong.more})
	return given, more, err
}

// objects are those of the givens, fitted to suite and mesh.
func (e *Env) objects(givens []Given) ([]*unstructured.Unstructured, error) {
	var objs []*unstructured.Unstructured
	for _, g := range givens {
		set, err := g(e)
		if err != nil {
			return nil, Broken(err)
		}
		if set, err = e.fit(set); err != nil {
			return nil, Broken(err)
		}
		objs = append(objs, set.Objects()...)
	}
	return objs, nil
}

// Make applies objects as they are and waits for workloads among them.
func (e *Env) Make(ctx context.Context, objs ...*unstructured.Unstructured) error {
	if err := e.unclaimed(ctx, objs); err != nil {
		return Broken(err)
	}
	for _, o := range objs {
		e.register(o)
		err := e.Kube.Apply(ctx, e.owner, o)
		if errors.Is(err, kube.ErrForeign) || errors.Is(err, kube.ErrTaken) {
			e.forget(o)
		}
		if err != nil {
			return Broken(err)
		}
		e.moved(o, true)
	}
	e.Changed()
	g, ctx := errgroup.WithContext(ctx)
	for _, o := range objs {
		if o.GetKind() == "Deployment" {
			g.Go(func() error { return e.ready(ctx, o) })
		}
	}
	return Broken(g.Wait())
}

// Remove deletes objects that the feature made, and waits until they are gone.
func (e *Env) Remove(ctx context.Context, objs ...*unstructured.Unstructured) error {
	if err := e.Kube.Delete(ctx, objs...); err != nil {
		return Broken(err)
	}
	for _, o := range objs {
		e.moved(o, false)
	}
	e.Changed()
	return nil
}

// moved notes that an object was made or changed, or else removed.
func (e *Env) moved(o *unstructured.Unstructured, there bool) {
	if !mesh.Listed(o) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.moves = slices.DeleteFunc(e.moves, func(m move) bool { return kube.Name(m.object) == kube.Name(o) })
	e.moves = append(e.moves, move{o, there})
}

// move is a change of the mesh's configuration.
type move struct {
	object *unstructured.Unstructured
	there  bool
}

// Arrived waits until all that the feature has changed in the mesh's configuration is on
// the proxies. Before that a refusal may only say that nothing has come yet.
func (e *Env) Arrived(ctx context.Context) error {
	e.mu.Lock()
	moves := slices.Clone(e.moves)
	e.mu.Unlock()
	if len(moves) == 0 {
		return nil
	}
	var w mesh.Wanted
	for _, m := range moves {
		if m.there {
			w.Applied = append(w.Applied, m.object)
		} else {
			w.Deleted = append(w.Deleted, m.object)
		}
	}
	if err := e.effective(ctx, w); err != nil {
		return Broken(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.moves = slices.DeleteFunc(e.moves, func(m move) bool { return slices.Contains(moves, m) })
	return nil
}

// Withdraw removes one object of those that the feature made, by kind and name.
func (e *Env) Withdraw(ctx context.Context, kind, name string) error {
	for _, o := range e.made() {
		if o.GetKind() == kind && o.GetName() == name {
			return e.Remove(ctx, o)
		}
	}
	return Broken(fmt.Errorf("withdraw %s %s: the feature has made none of that name", kind, name))
}

// Recreate takes an object of the suite away, by kind and name, does something
// meanwhile, and makes it again whatever came of that.
func (e *Env) Recreate(ctx context.Context, kind, name string, meanwhile func(context.Context) error) error {
	if e.shared == nil {
		return Broken(fmt.Errorf("recreate %s %s: only a feature can", kind, name))
	}
	o, err := manifest.NewSet(e.shared.made()...).Object(kind, name)
	if err != nil {
		return Broken(err)
	}
	if err := e.Remove(ctx, o); err != nil {
		return err
	}
	err = errors.Join(meanwhile(ctx), e.shared.Make(ctx, o))
	e.moved(o, true)
	return err
}

func (e *Env) ready(ctx context.Context, o *unstructured.Unstructured) error {
	d := wait.Deadline{Name: kube.Name(o) + " ready", Within: e.Budget.Ready}
	return e.Kube.AwaitDeployment(ctx, d, o.GetNamespace(), o.GetName(), func(missing error) {
		if e.waiting != nil {
			e.waiting.Waiting(kube.Name(o), missing)
		}
	})
}

// register remembers an object for removal; it comes before the object is made,
// so that an interruption in between leaves nothing.
func (e *Env) register(o *unstructured.Unstructured) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := e.indexOf(o); i >= 0 {
		e.applied[i] = o // as it is from now on: Edit goes on from there
		return
	}
	e.applied = append(e.applied, o)
}

// forget takes back a registration: the object turned out to be somebody else's.
func (e *Env) forget(o *unstructured.Unstructured) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := e.indexOf(o); i >= 0 {
		e.applied = slices.Delete(e.applied, i, i+1)
	}
}

func (e *Env) indexOf(o *unstructured.Unstructured) int {
	return slices.IndexFunc(e.applied, func(a *unstructured.Unstructured) bool { return kube.Name(a) == kube.Name(o) })
}

// Edit changes objects that the feature made and applies them again.
func (e *Env) Edit(ctx context.Context, edit manifest.Edit) error {
	before := manifest.NewSet(e.made()...)
	after, err := before.With(edit)
	if err != nil {
		return Broken(err)
	}
	for i, o := range after.Objects() {
		if !reflect.DeepEqual(o, before.Objects()[i]) {
			if err := e.Make(ctx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// made lists what was registered, in order of creation.
func (e *Env) made() []*unstructured.Unstructured {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.applied)
}

// fit turns readable fixtures into objects of this suite on this mesh.
func (e *Env) fit(set manifest.Set) (manifest.Set, error) {
	edits := []manifest.Edit{manifest.Namespaces(e.names)}
	if set.Has("Gateway") {
		edits = append(edits, manifest.Selectors(e.selectors()))
	}
	if set.Has("Deployment") {
		edits = append(edits, manifest.PodAnnotations(seldom()))
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

// seldom has sidecars looked at as seldom as Istio has it by default, once they are up:
// our own mesh asks every proxy every second, for the sake of its gateways, and a hundred
// questions a second keep a small machine from its work.
func seldom() map[string]string {
	return map[string]string{"readiness.status.sidecar.istio.io/periodSeconds": "15"}
}
