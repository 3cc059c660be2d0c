package evidence

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// learnSecrets tells the redactor the values of the namespaces' Secrets, so that it finds
// them in logs and dumps too. It takes only keys that name a secret, and private keys:
// certificates are public, and short values such as user names would remove ordinary words
// from the evidence. It is best effort; the other rules of the redactor must catch the values
// that it misses.
func (s capture) learnSecrets(ctx context.Context) {
	for _, ns := range s.namespaces {
		list, err := s.Kube.Typed().CoreV1().Secrets(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			continue // the collector of objects reports the error
		}
		for _, secret := range list.Items {
			for key, value := range secret.Data {
				if isSensitive(key) || strings.Contains(string(value), keyFrame) {
					s.Redactor.Secret(string(value))
				}
			}
		}
	}
}

// objects collects, for each namespace, every object that can be listed, and the namespace
// itself, whose labels decide about sidecar injection.
func (s capture) objects() []task {
	var out []task
	for _, ns := range s.namespaces {
		out = append(out, task{"objects/" + ns, func(ctx context.Context) error { return s.objectsIn(ctx, ns) }})
	}
	return out
}

func (s capture) objectsIn(ctx context.Context, ns string) error {
	kinds, errKinds := s.kinds()
	found := make([][]*unstructured.Unstructured, len(kinds)+1)
	missing := make([]error, len(kinds)+1)
	found[0], missing[0] = s.namespaceItself(ctx, ns)
	var g errgroup.Group
	g.SetLimit(maxConcurrentLists)
	for i, k := range kinds {
		g.Go(func() error {
			found[i+1], missing[i+1] = s.list(ctx, k, ns)
			return nil
		})
	}
	_ = g.Wait() // errors are in missing
	if err := s.folder.objects("objects/"+ns+".yaml", slices.Concat(found...)); err != nil {
		return err
	}
	return incompleteLists(append(missing, errKinds))
}

// incompleteLists sums up the lists that are missing from a file that was written
// nevertheless.
func incompleteLists(missing []error) error {
	missing = slices.DeleteFunc(missing, func(err error) bool { return err == nil })
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%d lists of objects are missing, the first: %w", len(missing), missing[0])
}

// maxConcurrentLists bounds the concurrent requests for one namespace.
const maxConcurrentLists = 4

func (s capture) namespaceItself(ctx context.Context, ns string) ([]*unstructured.Unstructured, error) {
	o, err := s.Kube.Dynamic().Resource(corev1.SchemeGroupVersion.WithResource("namespaces")).Get(ctx, ns, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return []*unstructured.Unstructured{o}, nil
}

func (s capture) list(ctx context.Context, k listable, ns string) ([]*unstructured.Unstructured, error) {
	list, err := s.Kube.Dynamic().Resource(k.resource).Namespace(ns).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.resource.Resource, err)
	}
	var out []*unstructured.Unstructured
	for i := range list.Items {
		list.Items[i].SetGroupVersionKind(k.kind) // items of a list need not carry it
		out = append(out, &list.Items[i])
	}
	return out, nil
}

type listable struct {
	resource schema.GroupVersionResource
	kind     schema.GroupVersionKind
}

// excludedResources say nothing about the mesh: events have a file of their own, the others
// are internal to the cluster or copies of other objects.
func excludedResources() []string {
	return []string{"events", "leases", "endpoints", "controllerrevisions", "podmetrics", "ipamhandles"}
}

// resources discovers the namespaced resources that can be listed. It returns when ctx ends,
// although the discovery client takes no context.
func resources(ctx context.Context, d discovery.DiscoveryInterface) ([]*metav1.APIResourceList, error) {
	type answer struct {
		lists []*metav1.APIResourceList
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		lists, err := discovery.ServerPreferredNamespacedResources(d)
		answered <- answer{lists, err}
	}()
	select {
	case a := <-answered:
		return a.lists, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// kindsOf lists the namespaced kinds that can be listed, the mesh's own first, because they
// are needed most if the time runs out. It may return some kinds together with an error,
// which says that an aggregated API does not answer.
func kindsOf(ctx context.Context, k Cluster) ([]listable, error) {
	lists, err := resources(ctx, k.Typed().Discovery())
	var out []listable
	for _, l := range lists {
		gv, errParse := schema.ParseGroupVersion(l.GroupVersion)
		if errParse != nil {
			continue
		}
		for _, r := range l.APIResources {
			if slices.Contains(r.Verbs, "list") && !slices.Contains(excludedResources(), r.Name) {
				out = append(out, listable{gv.WithResource(r.Name), gv.WithKind(r.Kind)})
			}
		}
	}
	slices.SortFunc(out, func(a, b listable) int {
		return cmp.Or(rank(a)-rank(b), strings.Compare(a.resource.Group, b.resource.Group), strings.Compare(a.resource.Resource, b.resource.Resource))
	})
	return out, err
}

func rank(l listable) int {
	switch {
	case strings.HasSuffix(l.resource.Group, "istio.io"):
		return 0
	case l.resource.Group == "" || l.resource.Group == "apps" || strings.HasPrefix(l.resource.Group, "networking."):
		return 1
	default:
		return 2
	}
}
