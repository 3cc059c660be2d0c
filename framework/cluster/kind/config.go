package kind

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"meshgate/framework/cluster"
	"meshgate/framework/cluster/engine"
	"meshgate/framework/machine"
)

// podSubnet is kind's default, written here because Calico needs the same value.
const podSubnet = "10.244.0.0/16"

// plan has everything that determines the shape of a cluster.
type plan struct {
	names  names
	nodes  int
	image  string
	calico bool
	engine *engine.Engine
	host   machine.Facts
}

// config is kind's configuration of the cluster.
func (p plan) config() *v1alpha4.Cluster {
	c := &v1alpha4.Cluster{
		TypeMeta: v1alpha4.TypeMeta{Kind: "Cluster", APIVersion: "kind.x-k8s.io/v1alpha4"},
		Name:     p.names.cluster,
		Networking: v1alpha4.Networking{
			IPFamily: v1alpha4.IPv4Family, PodSubnet: podSubnet, ServiceSubnet: serviceSubnet, DisableDefaultCNI: p.calico,
		},
		KubeadmConfigPatches:    []string{clusterPatch, kubeletPatch, p.initPatch()},
		ContainerdConfigPatches: []string{statsPatch},
	}
	if p.calico && p.nodes > 1 {
		c.KubeadmConfigPatches = append(c.KubeadmConfigPatches, joinPatch())
	}
	for i := range p.nodes {
		c.Nodes = append(c.Nodes, p.node(i))
	}
	if p.engine.CgroupVersion == 1 {
		c.KubeadmConfigPatches = append(c.KubeadmConfigPatches, cgroupV1Patch)
		c.ContainerdConfigPatches = append(c.ContainerdConfigPatches, cgroupfsPatch)
	}
	if !p.host.Can(machine.SysResource) {
		c.ContainerdConfigPatches = append(c.ContainerdConfigPatches, oomPatch)
	}
	return c
}

func (p plan) node(i int) v1alpha4.Node {
	role := v1alpha4.WorkerRole
	if i == 0 {
		role = v1alpha4.ControlPlaneRole
	}
	return v1alpha4.Node{Role: role, Image: p.image, ExtraMounts: []v1alpha4.Mount{{
		HostPath: p.names.patches(), ContainerPath: patchesInNode, Readonly: true,
	}}}
}

// facts describe the adaptations of config for the report.
func (p plan) facts() []string {
	out := []string{fmt.Sprintf("engine: %s", p.engine)}
	if p.engine.DefaultRuntime == engine.RuntimeName {
		out = append(out, "engine: containers start by meshgate's runtime shim, which leaves out capabilities that this host lacks")
	}
	if p.engine.CgroupVersion == 1 {
		out = append(out, "control groups v1: the kubelet runs with failCgroupV1=false, and groups are made by files (cgroupfs)")
	}
	if !p.host.Can(machine.SysResource) {
		out = append(out, "no CAP_SYS_RESOURCE: containerd runs with restrict_oom_score_adj=true")
	}
	return out
}

// clusterPatch disables durability, which a disposable cluster does not need and which is
// expensive on slow disks, and leader election among single candidates. It selects keys that
// are generated quickly, and lets the controller manager request the many tokens of its
// controllers at once: at its default rate that alone takes five seconds.
const clusterPatch = `kind: ClusterConfiguration
encryptionAlgorithm: ECDSA-P256
etcd:
  local:
    extraArgs:
    - name: unsafe-no-fsync
      value: "true"
controllerManager:
  extraArgs:
  - name: leader-elect
    value: "false"
  - name: kube-api-qps
    value: "300"
  - name: kube-api-burst
    value: "600"
  - name: enable-hostpath-provisioner
    value: "true"
scheduler:
  extraArgs:
  - name: leader-elect
    value: "false"
`

// kubeletPatch keeps logs complete: of a rotated log (at 10 MiB, which istiod writes in a
// quarter of an hour) the API server shows only the newest file. It also shortens the
// back-off before a container is restarted, however often it has ended.
const kubeletPatch = `kind: KubeletConfiguration
containerLogMaxSize: 1Gi
crashLoopBackOff:
  maxContainerRestartPeriod: 2s
`

// networkTaint keeps pods off a node until its network works. The node is Ready as soon as
// Calico has written its configuration, and a pod that starts before Calico answers is
// retried only after ten seconds.
const networkTaint = "meshgate.dev/network-not-ready"

// taints are the taints of a new node; kind itself removes the first of a single control
// plane.
func taints(keys ...string) string {
	out := ""
	for _, k := range keys {
		out += fmt.Sprintf("  - key: %s\n    effect: NoSchedule\n", k)
	}
	return "nodeRegistration:\n  taints:\n" + out
}

// initPatch makes kubeadm patch its static pods (see patches). In addition to the phases that
// kind skips, it skips the restart of the kubelet for the rotation of certificates, which
// outlive the cluster anyway.
func (p plan) initPatch() string {
	patch := fmt.Sprintf("kind: InitConfiguration\npatches:\n  directory: %s\nskipPhases:\n- preflight\n- kubelet-finalize\n", patchesInNode)
	if p.calico {
		patch += taints(cluster.ControlPlaneTaint, networkTaint)
	}
	return patch
}

func joinPatch() string { return "kind: JoinConfiguration\n" + taints(networkTaint) }

// cgroupV1Patch is needed since Kubernetes 1.35, whose kubelet refuses version 1.
const cgroupV1Patch = `kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
`

// cgroupfsPatch is containerd's part of the cgroupfs driver. With systemd's driver, runc
// freezes each group of version 1 while it sets its limits, and on a busy machine some
// containers could not start ("unable to freeze").
const cgroupfsPatch = `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.test-handler.options]
  SystemdCgroup = false
`

// statsPatch makes containerd collect CPU statistics less often. Version 2.4 asks each
// container's shim every second, which with fifty pods takes a third of a CPU. Nothing here
// reads the statistics, and versions that do not know the setting ignore it.
const statsPatch = `[plugins."io.containerd.cri.v1.runtime"]
  stats_collect_period = "10m"
`

// oomPatch keeps containerd from lowering OOM scores, which needs CAP_SYS_RESOURCE; without
// the patch no pod sandbox starts.
const oomPatch = `[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
`

// controlPlaneCPU is what each static pod asks for. kubeadm's own figures sum up to 650m,
// a third of a two-core machine. But a request is the weight too by which a busy machine
// shares its processors, and everybody waits for the API server, as it waits for etcd.
var controlPlaneCPU = map[string]string{
	"etcd": "100m", "kube-apiserver": "200m", "kube-controller-manager": "25m", "kube-scheduler": "25m",
}

// controlPlaneGC makes them collect garbage when their heaps, of about 50 MiB, are five times
// the memory in use instead of twice: memory is available, CPU is not.
const controlPlaneGC = "400"

// patches are the files that kubeadm merges into its static pods, by file name.
func patches() map[string]string {
	files := map[string]string{}
	for component, cpu := range controlPlaneCPU {
		files[component+"+strategic.yaml"] = strings.TrimLeft(fmt.Sprintf(`
spec:
  containers:
  - name: %s
    resources:
      requests:
        cpu: %s
    env:
    - name: GOGC
      value: %q
`, component, cpu, controlPlaneGC), "\n")
	}
	return files
}
