package manifest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Namespaces moves objects to other namespaces, and what refers to them: gateways
// "ns/name", hosts "ns/host", "name.ns" and "name.ns.svc…", exportTo, delegates,
// subjects, policies, and addresses in what containers are told. The map may hold
// more than the set uses; an object in a namespace that it lacks is an error.
func Namespaces(replace map[string]string) Edit {
	return EditEach("Namespaces "+pairsOf(replace), func(o *unstructured.Unstructured) (bool, error) {
		if err := move(o, replace); err != nil {
			return false, err
		}
		rewrite(o, func(f form, s string) string { return inNamespace(f, s, replace) })
		return true, nil
	})
}

// move changes where the object itself is.
func move(o *unstructured.Unstructured, replace map[string]string) error {
	get, set := o.GetNamespace, o.SetNamespace
	if o.GetKind() == "Namespace" {
		get, set = o.GetName, o.SetName
	}
	if get() == "" {
		return nil // it has none
	}
	better, ok := replace[get()]
	if !ok {
		return fmt.Errorf("namespace %q is not among those to be replaced (%s)", get(), pairsOf(replace))
	}
	set(better)
	return nil
}

func inNamespace(f form, s string, replace map[string]string) string {
	switch f {
	case namespace:
		return mapped(s, replace)
	case gatewayRef:
		if ns, name, ok := strings.Cut(s, "/"); ok {
			return mapped(ns, replace) + "/" + name
		}
	case scopedHost:
		if ns, host, ok := strings.Cut(s, "/"); ok {
			return mapped(ns, replace) + "/" + inHost(host, replace)
		}
		return inHost(s, replace)
	case hostName:
		return inHost(s, replace)
	case hostsIn:
		return hostInText.ReplaceAllStringFunc(s, func(h string) string { return inHost(h, replace) })
	case principal:
		return inPrincipal(s, replace)
	case objectName:
	}
	return s
}

// hostInText finds what looks like a host with a dot in it.
var hostInText = regexp.MustCompile(`[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+`)

// inHost replaces the namespace of "name.ns" and "name.ns.svc…"; any other host
// with dots is outside the cluster.
func inHost(host string, replace map[string]string) string {
	labels := strings.Split(host, ".")
	if len(labels) == 2 || len(labels) > 2 && labels[2] == "svc" {
		labels[1] = mapped(labels[1], replace)
	}
	return strings.Join(labels, ".")
}

func inPrincipal(s string, replace map[string]string) string {
	parts := strings.Split(s, "/")
	for i := 1; i < len(parts); i++ {
		if parts[i-1] == "ns" {
			parts[i] = mapped(parts[i], replace)
		}
	}
	return strings.Join(parts, "/")
}

// Hosts replaces whole hosts wherever the references table has one: those of
// Gateways, VirtualServices, DestinationRules, ServiceEntries, in what containers
// are told. A host that stands nowhere in the set is an error.
func Hosts(replace map[string]string) Edit {
	return replaceEach("Hosts", replace, func(o *unstructured.Unstructured, swap func(string) string) {
		rewrite(o, func(f form, s string) string {
			switch f {
			case scopedHost:
				if ns, host, ok := strings.Cut(s, "/"); ok {
					return ns + "/" + swap(host)
				}
				return swap(s)
			case hostName:
				return swap(s)
			case hostsIn:
				return hostInText.ReplaceAllStringFunc(s, swap)
			case objectName, gatewayRef, namespace, principal:
			}
			return s
		})
	})
}

// Rename gives objects other names, and what refers to them: gateways, credential
// names, delegates, accounts, roles, volumes and environments from secrets and
// config maps. A name that stands nowhere in the set is an error.
func Rename(replace map[string]string) Edit {
	return replaceEach("Rename", replace, func(o *unstructured.Unstructured, swap func(string) string) {
		o.SetName(swap(o.GetName()))
		rewrite(o, func(f form, s string) string {
			switch f {
			case objectName:
				return swap(s)
			case gatewayRef:
				if ns, name, ok := strings.Cut(s, "/"); ok {
					return ns + "/" + swap(name)
				}
				return swap(s)
			case scopedHost, hostName, hostsIn, namespace, principal:
			}
			return s
		})
	})
}

// replaceEach makes an edit of a replacement, each part of which must be of use.
func replaceEach(name string, replace map[string]string, edit func(*unstructured.Unstructured, func(string) string)) Edit {
	return Edit{name: name + " " + pairsOf(replace), apply: func(objs []*unstructured.Unstructured) (bool, error) {
		used := map[string]bool{}
		swap := func(s string) string {
			if _, ok := replace[s]; ok {
				used[s] = true
			}
			return mapped(s, replace)
		}
		for _, o := range objs {
			edit(o, swap)
		}
		for _, from := range slices.Sorted(maps.Keys(replace)) {
			if !used[from] {
				return true, fmt.Errorf("%q stands nowhere in %v", from, titles(objs))
			}
		}
		return len(used) > 0, nil
	}}
}

func mapped(s string, replace map[string]string) string {
	if better, ok := replace[s]; ok {
		return better
	}
	return s
}
