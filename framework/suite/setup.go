package suite

import (
	"meshgate/fixtures"
	"meshgate/framework/manifest"
	"meshgate/framework/mesh"
	"meshgate/framework/pki"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Setup makes objects, in readable namespaces and with the readable names of gateways. The
// runner fits them to the suite and to the mesh, applies them, and removes them again.
type Setup func(Env) (manifest.Set, error)

// Fixtures makes the objects of the files that match the patterns, which are relative to
// the fixtures folder. A pattern that matches nothing is an error.
func Fixtures(globs ...string) Setup {
	return func(Env) (manifest.Set, error) { return manifest.Load(fixtures.FS, globs...) }
}

// Objects makes these objects.
func Objects(objs ...*unstructured.Unstructured) Setup {
	return func(Env) (manifest.Set, error) { return manifest.NewSet(objs...), nil }
}

// Where makes the objects only on a mesh that has the capability.
func Where(c mesh.Capability, s Setup) Setup {
	return func(e Env) (manifest.Set, error) {
		if e.Mesh().Has(c) != nil {
			return manifest.Set{}, nil
		}
		return s(e)
	}
}

// Edited changes the objects.
func Edited(s Setup, edits ...manifest.Edit) Setup {
	return func(e Env) (manifest.Set, error) {
		set, err := s(e)
		if err != nil {
			return set, err
		}
		return set.With(edits...)
	}
}

// Credential makes a TLS secret in the shared ingress gateway's namespace: a certificate
// that the run's CA signs. Steps get it by Env.Certificate.
func Credential(name string, leaf pki.Leaf) Setup { return CredentialOf("", name, leaf) }

// CredentialOf is Credential for another gateway: the secret is in the namespace of that
// gateway's pods.
func CredentialOf(gateway, name string, leaf pki.Leaf) Setup {
	return func(e Env) (manifest.Set, error) { return CertificateIn(e.Gateway(gateway).Namespace, name, leaf)(e) }
}

// CertificateIn makes a TLS secret in a namespace, by its readable name, for a server
// that is no gateway.
func CertificateIn(namespace, name string, leaf pki.Leaf) Setup {
	return func(e Env) (manifest.Set, error) {
		cert, err := e.Issue(nil, name, leaf)
		if err != nil {
			return manifest.Set{}, err
		}
		return manifest.NewSet(manifest.TLSSecret(namespace, name, cert.CertPEM, cert.KeyPEM)), nil
	}
}

// Echo makes a Deployment and a Service of an application that answers every request with
// what it received (fixtures/echo), on port 8080. What expect.Echo… checks is its answer.
// app is also the value of the label "app" of its pods.
func Echo(namespace, app string) Setup {
	named := func(kind string, path ...string) manifest.Edit { return manifest.SetField(kind, app, app, path...) }
	return Edited(Fixtures("echo/*.yaml"),
		manifest.Namespaces(map[string]string{"bookinfo": namespace}), manifest.Rename(map[string]string{"echo": app}),
		named("Service", "metadata", "labels", "app"), named("Service", "spec", "selector", "app"),
		named("Deployment", "spec", "selector", "matchLabels", "app"), named("Deployment", "spec", "template", "metadata", "labels", "app"))
}
