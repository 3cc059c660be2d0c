package kind

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/machine"
	"meshgate/framework/wait"
)

func TestConfig(t *testing.T) {
	modern := machine.Facts{LastCapability: 40, Bounding: 0x1ffffffffff}
	docker := func(cgroups int) *engine.Engine {
		return &engine.Engine{Kind: engine.Docker, Binary: "/usr/bin/docker", Version: "28.2.2", CgroupVersion: cgroups}
	}
	for file, p := range map[string]plan{
		"modern-host.yaml": {nodes: 1, calico: true, engine: docker(2), host: modern},
		"old-host.yaml":    {nodes: 1, calico: true, engine: docker(1), host: oldHost()},
		"two-nodes.yaml":   {nodes: 2, calico: true, engine: docker(2), host: modern},
		"own-cni.yaml":     {nodes: 1, calico: false, engine: docker(2), host: modern},
	} {
		t.Run(file, func(t *testing.T) {
			p.names, p.image = names{cluster: "m", dir: "/c/m"}, "meshgate/node:0123456789ab"
			out, err := yaml.Marshal(p.config())
			require.NoError(t, err)
			golden(t, file, string(out))
		})
	}
}

func TestFactsNameTheAdaptations(t *testing.T) {
	p := plan{engine: &engine.Engine{Kind: engine.Docker, Version: "20.10.24", CgroupVersion: 1, DefaultRuntime: engine.RuntimeName}, host: oldHost()}
	facts := p.facts()
	require.Len(t, facts, 4)
	assert.Contains(t, facts[2], "failCgroupV1=false")
	assert.Contains(t, facts[3], "restrict_oom_score_adj=true")
	p = plan{engine: &engine.Engine{Kind: engine.Podman, CgroupVersion: 2}, host: machine.Facts{LastCapability: 40, Bounding: 0x1ffffffffff}}
	assert.Len(t, p.facts(), 1, "nothing to adapt")
}

func TestPatchesTrimEveryStaticPod(t *testing.T) {
	files := patches()
	assert.Len(t, files, 4)
	for name, content := range files {
		pod := map[string]any{}
		require.NoError(t, yaml.UnmarshalStrict([]byte(content), &pod), name)
		assert.Contains(t, content, "cpu: "+controlPlaneCPU[strings.TrimSuffix(name, "+strategic.yaml")])
	}
}

func TestNewRefusesBadOptions(t *testing.T) {
	for _, name := range []string{"", "UPPER", "a_b", "-a", "a-", "this-name-is-much-too-long-for-the-host-name-of-a-node"} {
		_, err := New(Options{Name: name, Nodes: 1, Dir: t.TempDir(), Budget: wait.DefaultBudget()})
		assert.ErrorContains(t, err, "cluster name", name)
	}
	_, err := New(Options{Name: "ok", Nodes: 0})
	require.ErrorContains(t, err, "at least 1")
	p, err := New(Options{Name: "ok", Nodes: 3, Dir: t.TempDir()})
	require.NoError(t, err)
	assert.Equal(t, "kind", p.Name())
}
