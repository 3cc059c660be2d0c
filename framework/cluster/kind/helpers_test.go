package kind

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/cluster/engine"
	"meshgate/framework/machine"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "%s: refresh with -update", file)
}

// fakeEngine answers the engine's commands from a table; what it was asked is
// in calls. The longest beginning that fits counts.
type fakeEngine struct {
	t       *testing.T
	answers map[string]string
	fails   map[string]string
	calls   []string
	// read is what came in at standard input, by the first words of the command.
	read map[string]string
}

func (f *fakeEngine) Find(name string) []string {
	if name == "docker" {
		return []string{"docker"}
	}
	return nil
}

func (f *fakeEngine) Run(ctx context.Context, c engine.Call) ([]byte, error) {
	line := strings.Join(append([]string{c.Name}, c.Args...), " ")
	f.calls = append(f.calls, line)
	if c.Stdin != nil {
		raw, _ := io.ReadAll(c.Stdin)
		f.read[c.Name+" "+c.Args[0]] += string(raw)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if stderr, ok := longest(f.fails, line); ok {
		return nil, &engine.ExitError{Command: line, Code: 1, Stderr: stderr}
	}
	if out, ok := longest(f.answers, line); ok {
		return []byte(out), nil
	}
	f.t.Errorf("unexpected command: %s", line)
	return nil, errors.New("unexpected command")
}

func longest(table map[string]string, line string) (string, bool) {
	best, found := "", false
	for prefix := range table {
		if strings.HasPrefix(line, prefix) && len(prefix) >= len(best) {
			best, found = prefix, true
		}
	}
	return table[best], found
}

func (f *fakeEngine) engine() *engine.Engine {
	e, err := engine.Detect(context.Background(), f, engine.Docker)
	require.NoError(f.t, err)
	f.calls = nil
	return e
}

const infoAnswer = `{"ServerVersion":"20.10.24","CgroupVersion":"1","DockerRootDir":"/var/lib/docker","DefaultRuntime":"meshgate"}`

func newFake(t *testing.T) *fakeEngine {
	return &fakeEngine{t: t, answers: map[string]string{"docker info": infoAnswer}, fails: map[string]string{}, read: map[string]string{}}
}

func testNames(t *testing.T) names {
	return names{cluster: "m", dir: filepath.Join(t.TempDir(), "m")}
}

func oldHost() machine.Facts { return machine.Facts{LastCapability: 40, Bounding: 0x1fffeffffff} }

const oneNode = `[{"Name":"/m-control-plane","State":{"Running":true,"Status":"running"},
 "Mounts":[{"Type":"volume","Name":"abc"},{"Type":"bind","Name":""}],
 "NetworkSettings":{"Networks":{"meshgate.m":{"IPAddress":"172.20.0.2"}},
 "Ports":{"6443/tcp":[{"HostIp":"127.0.0.1","HostPort":"40001"}]}}}]`
