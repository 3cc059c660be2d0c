package istio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"meshgate/framework/kube"
	"meshgate/framework/mesh"
	"meshgate/framework/mesh/detect"
	"meshgate/framework/progress"
	"meshgate/framework/wait"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
)

// Down uninstalls this revision's releases. With the last revision it also removes what all
// share: base, CRDs, the namespace, and the ConfigMaps that istiod itself created.
func (f *Flavour) Down(ctx context.Context, k *kube.Client, log progress.Log) (err error) {
	w, err := f.begin(k, log, "remove")
	if err != nil {
		return err
	}
	defer func() { w.phase.End(err) }()
	ctx, stop := context.WithTimeoutCause(ctx, w.limit(), fmt.Errorf("mesh down within %s: %w", w.limit(), wait.ErrExpired))
	defer stop()
	gateways, err := w.releasesGone()
	if err != nil {
		return err
	}
	others, err := w.istiods()
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return w.leave(ctx, others, gateways)
	}
	return w.everythingGone(ctx)
}

// limit is longer than one deletion: gateways drain for five seconds before they end, and the
// CRDs are deleted after that.
func (w *work) limit() time.Duration { return 2 * w.opts.Budget.Deletion }

// releasesGone uninstalls istiod and every gateway of the revision, also those of earlier
// runs, and returns the gateways' names.
func (w *work) releasesGone() (gateways []string, err error) {
	ours, err := w.helm.ours()
	if err != nil {
		return nil, err
	}
	var g errgroup.Group
	for _, r := range ours {
		if r.Labels[revisionLabel] != mesh.RevisionName(w.opts.Revision) {
			continue
		}
		if r.Name != istiodName(w.opts.Revision) {
			gateways = append(gateways, r.Name)
		}
		w.phase.Waiting("release " + r.Name)
		g.Go(func() error { return w.helm.uninstall(r.Name) })
	}
	return gateways, g.Wait()
}

// leave ends Down while other revisions stay. The shared webhook must not point to a removed
// istiod: the API server would then refuse all Istio objects.
func (w *work) leave(ctx context.Context, others, gateways []string) error {
	have, err := w.helm.find(baseName)
	if err != nil {
		return err
	}
	if deployed(have) {
		if err := w.point(have, webhookRevision(have, others)); err != nil {
			return err
		}
	}
	return w.podsGone(ctx, gateways)
}

func (w *work) podsGone(ctx context.Context, gateways []string) error {
	selectors := podSelectors(w.opts.Revision, gateways)
	_, err := wait.Until(ctx, wait.Deadline{Name: "pods of revision " + mesh.RevisionName(w.opts.Revision) + " gone", Within: w.opts.Budget.Deletion}, pollEvery, func(ctx context.Context) error {
		for _, selector := range selectors {
			list, err := w.k.Typed().CoreV1().Pods(w.opts.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
			if err != nil {
				return err
			}
			if len(list.Items) > 0 {
				return fmt.Errorf("%d pods with %s still exist, first %s", len(list.Items), selector, list.Items[0].Name)
			}
		}
		return nil
	})
	return err
}

// podSelectors select the pods of one revision's releases. Gateways have a revision label
// only if the revision is not the default, but always the names of their releases.
func podSelectors(revision string, gateways []string) []string {
	selectors := []string{mesh.IstiodSelector(revision)}
	if len(gateways) > 0 {
		selectors = append(selectors, fmt.Sprintf("app in (%s)", strings.Join(gateways, ", ")))
	}
	return selectors
}

func (w *work) everythingGone(ctx context.Context) error {
	if err := w.helm.uninstall(baseName); err != nil {
		return err
	}
	w.phase.Waiting("namespace " + w.opts.Namespace)
	if err := w.namespaceGone(ctx); err != nil {
		return err
	}
	others, err := detect.ControlPlanes(ctx, w.k.Typed())
	if err != nil {
		return err
	}
	if len(others) > 0 {
		w.phase.Note("CRDs and root certificates stay, because %s still uses them", others[0])
		return nil
	}
	w.phase.Waiting("CRDs and remaining objects to be deleted")
	return errors.Join(w.crdsGone(ctx), w.tracesGone(ctx), w.restGone(ctx))
}

// restGone deletes objects with meshgate's label whose Helm release is lost, as after the
// namespace was deleted by hand.
func (w *work) restGone(ctx context.Context) error {
	rest, err := w.k.Owned(ctx, owner)
	if err != nil {
		return err
	}
	return w.k.Delete(ctx, rest...)
}

// namespaceGone returns when the namespace and all pods in it are gone. A namespace that
// meshgate did not create is left alone.
func (w *work) namespaceGone(ctx context.Context) error {
	err := w.k.Delete(ctx, namespace(w.opts.Namespace))
	if errors.Is(err, kube.ErrForeign) {
		return nil
	}
	return err
}

// crdsGone deletes meshgate's CRDs in one request, and with them every object of their kinds.
// It reads only their metadata, see presentCRDs.
func (w *work) crdsGone(ctx context.Context) error {
	client, err := metadata.NewForConfig(w.k.REST())
	if err != nil {
		return fmt.Errorf("list CRDs of meshgate: %w", err)
	}
	ours := metav1.ListOptions{LabelSelector: kube.OwnerLabel + "=" + string(owner)}
	crds := client.Resource(crdResource)
	if err := crds.DeleteCollection(ctx, metav1.DeleteOptions{}, ours); err != nil {
		return fmt.Errorf("delete CRDs of meshgate: %w", err)
	}
	_, err = wait.Until(ctx, wait.Deadline{Name: "CRDs gone", Within: w.opts.Budget.Deletion}, pollEvery, func(ctx context.Context) error {
		list, err := crds.List(ctx, ours)
		if err == nil && len(list.Items) > 0 {
			err = fmt.Errorf("%d CRDs of meshgate still exist, first %s", len(list.Items), list.Items[0].Name)
		}
		return err
	})
	return err
}

// tracesGone deletes the ConfigMaps with the root certificate that istiod, not Helm, has
// created in every namespace.
func (w *work) tracesGone(ctx context.Context) error {
	maps, err := w.k.Typed().CoreV1().ConfigMaps(metav1.NamespaceAll).List(ctx, metav1.ListOptions{LabelSelector: "istio.io/config=true"})
	if err != nil {
		return fmt.Errorf("root certificates left by istiod: %w", err)
	}
	for _, cm := range maps.Items {
		err := w.k.Typed().CoreV1().ConfigMaps(cm.Namespace).Delete(ctx, cm.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("root certificate %s/%s left by istiod: %w", cm.Namespace, cm.Name, err)
		}
	}
	return nil
}
