package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"meshgate/framework/wait"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// FieldManager is the name under which meshgate applies fields.
const FieldManager = "meshgate"

const (
	webhookLimit = 30 * time.Second
	pollEvery    = 200 * time.Millisecond
)

// Apply applies the objects in order by server-side apply and labels each with the owner.
// It stops with ErrForeign at an existing object without meshgate's label, and with
// ErrTaken at an object of another owner. The only error that it retries is a webhook that
// does not answer yet, as just after the start of a control plane.
func (c *Client) Apply(ctx context.Context, owner Owner, objs ...*unstructured.Unstructured) error {
	for _, o := range objs {
		if err := c.applyOne(ctx, owner, o); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) applyOne(ctx context.Context, owner Owner, o *unstructured.Unstructured) error {
	o = labelled(o, owner)
	r, err := c.resource(o)
	if err != nil {
		return err
	}
	if err := c.refuseOthers(ctx, r, o, owner); err != nil {
		return err
	}
	body, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("%s: %w", Name(o), err)
	}
	force := true
	opts := metav1.PatchOptions{FieldManager: FieldManager, Force: &force}
	var answer error
	_, err = wait.Until(ctx, wait.Deadline{Name: "webhook answers for " + Name(o), Within: webhookLimit}, pollEvery, func(ctx context.Context) error {
		_, answer = r.Patch(ctx, o.GetName(), types.ApplyPatchType, body, opts)
		return finalUnlessWebhookUnserved(answer)
	})
	switch {
	case err == nil:
		return nil
	case ctx.Err() == nil && !webhookSleeps(answer):
		err = answer // there was no wait, so only the server's error is of interest
	}
	return fmt.Errorf("apply %s: %w", Name(o), err)
}

func labelled(o *unstructured.Unstructured, owner Owner) *unstructured.Unstructured {
	o = o.DeepCopy()
	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[OwnerLabel] = string(owner)
	o.SetLabels(labels)
	return o
}

// refuseOthers refuses an object that meshgate did not create, and one of another owner:
// two suites that use the same name would overwrite each other's object.
func (c *Client) refuseOthers(ctx context.Context, r dynamic.ResourceInterface, o *unstructured.Unstructured, owner Owner) error {
	have, err := ourOwn(ctx, r, o)
	if err != nil || have == "" || have == owner {
		return err
	}
	return fmt.Errorf("%s %w: want %s, got %s", Name(o), ErrTaken, owner, have)
}

// ourOwn returns the owner of an existing object of meshgate, or "" when the object does
// not exist. An object that meshgate did not create is refused.
func ourOwn(ctx context.Context, r dynamic.ResourceInterface, o *unstructured.Unstructured) (Owner, error) {
	have, err := r.Get(ctx, o.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("get %s: %w", Name(o), err)
	}
	owner, ours := Ours(have)
	if !ours {
		return "", foreign(o)
	}
	return owner, nil
}

// finalUnlessWebhookUnserved makes every error final except that of a webhook which no pod
// serves yet. A webhook that denied the object has answered, so its error is final.
func finalUnlessWebhookUnserved(err error) error {
	if err == nil || webhookSleeps(err) {
		return err
	}
	return wait.Final(err)
}

func webhookSleeps(err error) bool {
	if !apierrors.IsInternalError(err) || !strings.Contains(err.Error(), "failed calling webhook") {
		return false
	}
	for _, sign := range []string{"connection refused", "no endpoints available", "i/o timeout", "context deadline exceeded", "EOF", "certificate signed by unknown authority", "no route to host", "connection reset", "broken pipe"} {
		if strings.Contains(err.Error(), sign) {
			return true
		}
	}
	return false
}

func (c *Client) resource(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	m, err := c.mapping(o)
	if err != nil {
		return nil, err
	}
	if m.Scope.Name() == meta.RESTScopeNameNamespace {
		if o.GetNamespace() == "" {
			return nil, fmt.Errorf("%s: namespace: want one, got none", Name(o))
		}
		return c.dynamic.Resource(m.Resource).Namespace(o.GetNamespace()), nil
	}
	return c.dynamic.Resource(m.Resource), nil
}

// Everywhere lists the objects of o's kind in all namespaces.
func (c *Client) Everywhere(ctx context.Context, o *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	m, err := c.mapping(o)
	if err != nil {
		return nil, err
	}
	list, err := c.dynamic.Resource(m.Resource).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list every %s: %w", o.GetKind(), err)
	}
	all := make([]*unstructured.Unstructured, len(list.Items))
	for i := range list.Items {
		all[i] = &list.Items[i]
	}
	return all, nil
}

// Get reads the object that has o's kind, namespace and name.
func (c *Client) Get(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	r, err := c.resource(o)
	if err != nil {
		return nil, err
	}
	got, err := r.Get(ctx, o.GetName(), metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", Name(o), err)
	}
	return got, nil
}

// Delete removes the objects, last applied first, and returns when all are gone or
// ctx ends. An object that does not exist counts as gone; one that meshgate did not
// create is refused with ErrForeign.
func (c *Client) Delete(ctx context.Context, objs ...*unstructured.Unstructured) error {
	var errs []error
	var pending []*unstructured.Unstructured
	for i := len(objs) - 1; i >= 0; i-- {
		gone, err := c.deleteOne(ctx, objs[i])
		if err != nil {
			errs = append(errs, err)
		} else if !gone {
			pending = append(pending, objs[i])
		}
	}
	for _, o := range pending {
		errs = append(errs, c.gone(ctx, o))
	}
	return errors.Join(errs...)
}

func (c *Client) deleteOne(ctx context.Context, o *unstructured.Unstructured) (gone bool, err error) {
	r, err := c.resource(o)
	if meta.IsNoMatchError(err) {
		return true, nil // its CRD was deleted, and the object with it
	}
	if err != nil {
		return false, err
	}
	if _, err := ourOwn(ctx, r, o); err != nil {
		return false, err
	}
	background := metav1.DeletePropagationBackground
	err = r.Delete(ctx, o.GetName(), metav1.DeleteOptions{PropagationPolicy: &background})
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("delete %s: %w", Name(o), err)
	}
	return false, nil
}

func (c *Client) gone(ctx context.Context, o *unstructured.Unstructured) error {
	limit := remaining(ctx)
	_, err := wait.Until(ctx, wait.Deadline{Name: Name(o) + " gone", Within: limit}, pollEvery, func(ctx context.Context) error {
		have, err := c.Get(ctx, o)
		switch {
		case apierrors.IsNotFound(err), meta.IsNoMatchError(err): // the object or its kind is gone
			return nil
		case err != nil:
			return err
		}
		return fmt.Errorf("%s still exists, finalizers %v", Name(o), have.GetFinalizers())
	})
	return err
}

// deletionLimit bounds a deletion whose caller has set no deadline.
const deletionLimit = 2 * time.Minute

func remaining(ctx context.Context) time.Duration {
	if at, ok := ctx.Deadline(); ok {
		return time.Until(at)
	}
	return deletionLimit
}
