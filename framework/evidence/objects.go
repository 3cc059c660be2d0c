package evidence

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// learnSecrets tells the redactor the values of the namespaces' Secrets, so that
// they are found in logs and dumps too. Certificates are no secrets, and short
// values such as user names would take ordinary words out of the evidence: only
// keys that name a secret, and private keys, are taken. It is best effort: what
// it misses the other rules of the redactor have to catch.
func (s scene) learnSecrets(ctx context.Context) {
	for _, ns := range s.namespaces {
		list, err := s.Kube.Typed().CoreV1().Secrets(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			continue // the collector of objects will tell
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

// objects collects, for each namespace, every object that can be listed, and the
// namespace itself, whose labels decide about injection.
func (s scene) objects() []task {
	var out []task
	for _, ns := range s.namespaces {
		out = append(out, task{"objects/" + ns, func(ctx context.Context) error { return s.objectsIn(ctx, ns) }})
	}
	return out
}

func (s scene) objectsIn(ctx context.Context, ns string) error {
	kinds, errKinds := s.kinds(ctx)
	var all []*unstructured.Unstructured
	var errs []string
	if o, err := s.Kube.Dynamic().Resource(corev1.SchemeGroupVersion.WithResource("namespaces")).Get(ctx, ns, metav1.GetOptions{}); err != nil {
		errs = append(errs, err.Error())
	} else {
		all = append(all, o)
	}
	for _, k := range kinds {
		list, err := s.Kube.Dynamic().Resource(k.resource).Namespace(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			if !apierrors.IsNotFound(err) && !apierrors.IsMethodNotSupported(err) {
				errs = append(errs, fmt.Sprintf("%s: %v", k.resource.Resource, err))
			}
			continue
		}
		for i := range list.Items {
			list.Items[i].SetGroupVersionKind(k.kind) // items of a list need not carry it
			all = append(all, &list.Items[i])
		}
	}
	if err := s.folder.objects("objects/"+ns+".yaml", all); err != nil {
		return err
	}
	if errKinds != nil {
		errs = append(errs, errKinds.Error())
	}
	if len(errs) > 0 {
		return fmt.Errorf("%d kinds are missing: %s", len(errs), strings.Join(errs, "; "))
	}
	return nil
}

type listable struct {
	resource schema.GroupVersionResource
	kind     schema.GroupVersionKind
}

// untold are resources that say nothing about the mesh: events have a file of
// their own, the others are the cluster's housekeeping or copies of other objects.
func untold() []string {
	return []string{"events", "leases", "endpoints", "controllerrevisions", "podmetrics", "ipamhandles"}
}

// kinds are the namespaced kinds that can be listed, in a stable order. Some may
// be known even when the error says that an aggregated API does not answer.
func (s scene) kinds(ctx context.Context) ([]listable, error) {
	d := discovery.ToDiscoveryInterfaceWithContext(s.Kube.Typed().Discovery())
	lists, err := discovery.ServerPreferredNamespacedResourcesWithContext(ctx, d)
	var out []listable
	for _, l := range lists {
		gv, errParse := schema.ParseGroupVersion(l.GroupVersion)
		if errParse != nil {
			continue
		}
		for _, r := range l.APIResources {
			if slices.Contains(r.Verbs, "list") && !slices.Contains(untold(), r.Name) {
				out = append(out, listable{gv.WithResource(r.Name), gv.WithKind(r.Kind)})
			}
		}
	}
	slices.SortFunc(out, func(a, b listable) int {
		return cmp.Or(strings.Compare(a.resource.Group, b.resource.Group), strings.Compare(a.resource.Resource, b.resource.Resource))
	})
	return out, err
}
