package kind

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"meshgate/framework/cluster"
	"meshgate/framework/kube"
)

// owner is the owner label of the cluster's own objects.
const owner kube.Owner = "cluster"

// record has the digests from which a cluster was created and the results of the checks
// during its creation. It is stored in the cluster itself, so that it always belongs to it.
type record struct {
	Digests map[string]string `json:"digests"`
	Nodes   int               `json:"nodes"`
	Facts   []string          `json:"facts"`
	// NoNetworkPolicy and NoLoadBalancer are the reasons for absent capabilities.
	NoNetworkPolicy string `json:"noNetworkPolicy,omitempty"`
	NoLoadBalancer  string `json:"noLoadBalancer,omitempty"`
}

// recordKey is the ConfigMap's key.
const recordKey = "record.json"

// write stores the record in the cluster, which then counts as finished.
func (r record) write(ctx context.Context, k *kube.Client) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("record of the cluster: %w", err)
	}
	o := &unstructured.Unstructured{Object: map[string]any{"data": map[string]any{recordKey: string(raw)}}}
	o.SetAPIVersion("v1")
	o.SetKind("ConfigMap")
	o.SetNamespace(systemNamespace)
	o.SetName(recordName)
	return k.Apply(ctx, owner, o)
}

// errUnfinished means that the creation of the cluster was interrupted.
var errUnfinished = errors.New("its creation was interrupted")

// readRecord returns errUnfinished where there is none.
func readRecord(ctx context.Context, k *kube.Client) (record, error) {
	r := record{}
	cm, err := k.Typed().CoreV1().ConfigMaps(systemNamespace).Get(ctx, recordName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return r, errUnfinished
	}
	if err != nil {
		return r, fmt.Errorf("record of the cluster: %w", err)
	}
	if err := json.Unmarshal([]byte(cm.Data[recordKey]), &r); err != nil {
		return r, fmt.Errorf("record of the cluster: %w", err)
	}
	return r, nil
}

// differs says why a cluster with this record is not the one that is wanted.
func (r record) differs(want map[string]string, nodes int) error {
	if r.Nodes != nodes {
		return fmt.Errorf("nodes: want %d, got %d", nodes, r.Nodes)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if r.Digests[name] != want[name] {
			return fmt.Errorf("it was created from another %s: want %s, got %q", name, want[name], r.Digests[name])
		}
	}
	return nil
}

// cluster describes the cluster by its record.
func (r record) cluster(n names, version string, created bool) *cluster.Cluster {
	return &cluster.Cluster{
		Name: n.cluster, Provider: ProviderName, Kubeconfig: n.kubeconfig(), Context: n.context(),
		KubernetesVersion: version, Created: created, Facts: r.Facts,
		NetworkPolicy: absent("NetworkPolicy", r.NoNetworkPolicy),
		LoadBalancer:  absent("LoadBalancer", r.NoLoadBalancer),
	}
}

// absent returns an error for a missing capability with its reason, and nil for an empty
// reason.
func absent(capability, reason string) error {
	if reason == "" {
		return nil
	}
	return &cluster.AbsentError{Capability: capability, Reason: reason}
}
