package runner

import (
	"context"
	"errors"
	"fmt"

	"meshgate/framework/config"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"
	"meshgate/framework/probe"
	"meshgate/framework/suite"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// CheckObjects makes the objects of a suite and of its features, and the change of every
// sabotage, for a mesh that has every gateway and capability, and applies none of them. So
// a fixture, an object's name or a path that is misspelt is found without a cluster.
func CheckObjects(s suite.Suite) error {
	ca, err := pki.NewCA("objects of " + s.Name)
	if err != nil {
		return err
	}
	shared := paperEnvironment(s, ca)
	if _, err := shared.objects(s.Setup); err != nil {
		return fmt.Errorf("suite %s: %w", s.Name, err)
	}
	var errs []error
	for _, f := range s.Features {
		e := paperEnvironment(s, ca)
		e.shared = shared
		if _, err := e.objects(f.Setup); err != nil {
			errs = append(errs, fmt.Errorf("suite %s: feature %s: %w", s.Name, f.Name, err))
			continue
		}
		for _, w := range f.Sabotage {
			if _, _, _, err := (sabotaged{&w}).objects(e, f); err != nil {
				errs = append(errs, fmt.Errorf("suite %s: feature %s: %w", s.Name, f.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// paperEnvironment makes objects as on a mesh that has everything, and has no cluster.
func paperEnvironment(s suite.Suite, ca *pki.CA) *environment {
	gateway := func(role string) mesh.Gateway {
		return mesh.Gateway{Name: "istio-" + role, Namespace: "istio-system", Host: "192.0.2.1", Selector: map[string]string{"istio": role}}
	}
	m := &mesh.Mesh{
		Namespace: "istio-system", Ingress: gateway(ingressGateway), Egress: gateway(egressGateway),
		Others: map[string]mesh.Gateway{}, Capabilities: map[mesh.Capability]error{},
	}
	for _, g := range s.Gateways {
		m.Others[g.Name] = gateway(g.Name)
	}
	for _, c := range mesh.Known() {
		m.Capabilities[c] = nil
	}
	return &environment{
		host: nobody{}, mesh: m, ca: ca, id: "paper", names: newNamespaces(config.Names{BookinfoNamespace: "bookinfo"}, m, s), watch: untilDeadline{},
		named: map[string]probe.Observation{}, certs: map[string]*pki.Certificate{}, logins: map[string]suite.Login{},
	}
}

// nobody is the host of an environment without a cluster.
type nobody struct{}

func (nobody) secret(string)       {}
func (nobody) note(string, ...any) {}

func (nobody) awaitDeleted(context.Context, []*unstructured.Unstructured) error { return nil }
func (nobody) programmed(context.Context, mesh.Wanted) error                    { return nil }
