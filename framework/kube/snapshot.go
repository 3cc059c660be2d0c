package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// Snapshot lists the objects of a cluster at one moment, by kind, namespace and name.
type Snapshot map[string]string

// Changes are the names of the objects that differ between two snapshots.
type Changes struct{ Added, Removed, Changed []string }

// Empty reports whether the snapshots are equal.
func (c Changes) Empty() bool { return len(c.Added)+len(c.Removed)+len(c.Changed) == 0 }

func (c Changes) String() string {
	var parts []string
	for _, p := range []struct {
		what string
		of   []string
	}{{"added", c.Added}, {"removed", c.Removed}, {"changed", c.Changed}} {
		if len(p.of) > 0 {
			parts = append(parts, p.what+": "+strings.Join(p.of, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// Diff compares the snapshot with a later one.
func (s Snapshot) Diff(after Snapshot) Changes {
	var c Changes
	for name, was := range s {
		is, there := after[name]
		switch {
		case !there:
			c.Removed = append(c.Removed, name)
		case is != was:
			c.Changed = append(c.Changed, name)
		}
	}
	for name := range after {
		if _, there := s[name]; !there {
			c.Added = append(c.Added, name)
		}
	}
	sort.Strings(c.Added)
	sort.Strings(c.Removed)
	sort.Strings(c.Changed)
	return c
}

// volatile resources are changed by controllers while nobody changes the configuration.
var volatile = []string{"events", "leases", "endpoints", "endpointslices", "componentstatuses", "ipamhandles", "ipamblocks", "blockaffinities", "csinodes", "nodes"}

// Snapshot lists every object of every kind that can be listed, except those that
// change by themselves (events, leases, endpoints …).
func (c *Client) Snapshot(ctx context.Context) (Snapshot, error) {
	snap, mu := Snapshot{}, sync.Mutex{}
	err := c.everyKind(ctx, metav1.ListOptions{}, func(k kind, o metav1.PartialObjectMetadata) {
		mu.Lock()
		defer mu.Unlock()
		name := k.resource.GroupResource().String() + " " + strings.TrimPrefix(o.Namespace+"/"+o.Name, "/")
		snap[name] = fmt.Sprintf("%s generation %d", o.UID, o.Generation)
	})
	return snap, err
}

// Owned lists the objects of all kinds that carry the owner's label; an empty owner means
// all objects of meshgate. The results hold only kind, namespace, name and labels.
func (c *Client) Owned(ctx context.Context, owner Owner) ([]*unstructured.Unstructured, error) {
	selector := OwnerLabel
	if owner != "" {
		selector += "=" + string(owner)
	}
	var out []*unstructured.Unstructured
	var mu sync.Mutex
	err := c.everyKind(ctx, metav1.ListOptions{LabelSelector: selector}, func(k kind, m metav1.PartialObjectMetadata) {
		if derived(m) {
			return
		}
		o := &unstructured.Unstructured{}
		o.SetGroupVersionKind(k.resource.GroupVersion().WithKind(k.name))
		o.SetNamespace(m.Namespace)
		o.SetName(m.Name)
		o.SetLabels(m.Labels)
		mu.Lock()
		defer mu.Unlock()
		out = append(out, o)
	})
	sort.Slice(out, func(i, j int) bool { return Name(out[i]) < Name(out[j]) })
	return out, err
}

// derived objects, such as a Deployment's ReplicaSets, carry their parent's labels
// and are deleted with it.
func derived(m metav1.PartialObjectMetadata) bool { return len(m.OwnerReferences) > 0 }

func (c *Client) everyKind(ctx context.Context, opts metav1.ListOptions, see func(kind, metav1.PartialObjectMetadata)) error {
	kinds, err := c.listable()
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for _, k := range kinds {
		g.Go(func() error {
			list, err := c.metadata.Resource(k.resource).List(ctx, opts)
			if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) || apierrors.IsForbidden(err) {
				return nil // the kind was removed, or this user may not list it
			}
			if err != nil {
				return fmt.Errorf("list %s: %w", k.resource.Resource, err)
			}
			for _, o := range list.Items {
				see(k, o)
			}
			return nil
		})
	}
	return g.Wait()
}

// kind is a kind of the cluster, from fresh discovery: the mapper's cache does not have a
// CRD that was created later.
type kind struct {
	resource schema.GroupVersionResource
	name     string
}

func (c *Client) listable() ([]kind, error) {
	lists, err := c.typed.Discovery().ServerPreferredResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return nil, fmt.Errorf("discover the cluster's kinds: %w", err)
	}
	var out []kind
	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			return nil, fmt.Errorf("discover the cluster's kinds: %w", err)
		}
		for _, r := range l.APIResources {
			if slices.Contains(r.Verbs, "list") && !slices.Contains(volatile, r.Name) && gv.Group != "metrics.k8s.io" {
				out = append(out, kind{gv.WithResource(r.Name), r.Kind})
			}
		}
	}
	if len(out) == 0 {
		return nil, errors.New("discover the cluster's kinds: the API server lists none")
	}
	return out, nil
}
