package engine

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/machine"
)

const dockerAnswer = `{"ServerVersion":"20.10.24","CgroupVersion":"1","DockerRootDir":"/var/lib/docker","DefaultRuntime":"runc","SecurityOptions":["name=seccomp,profile=default"]}`

func TestDetectTakesTheClientWhoseEngineAnswers(t *testing.T) {
	run := &scripted{t: t, found: map[string][]string{"docker": {"/usr/local/bin/docker", "/usr/bin/docker"}}, answers: map[string]answer{
		"/usr/local/bin/docker info": {err: exit("Error response from daemon: client version 1.52 is too new. Maximum supported API version is 1.41")},
		"/usr/bin/docker info":       {out: dockerAnswer},
	}}
	e, err := Detect(context.Background(), run, Auto)
	require.NoError(t, err)
	assert.Equal(t, "/usr/bin/docker", e.Binary)
	assert.Equal(t, "/usr/bin", e.Dir())
	assert.Equal(t, "20.10.24", e.Version)
	assert.Equal(t, 1, e.CgroupVersion)
	assert.False(t, e.Rootless)
}

func TestDetectFallsBackToPodman(t *testing.T) {
	run := &scripted{t: t, found: map[string][]string{"docker": {"/d/docker"}, "podman": {"/p/podman"}}, answers: map[string]answer{
		"/d/docker info": {out: `{"ServerErrors":["Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"]}`},
		"/p/podman info": {out: `{"host":{"cgroupVersion":"v2","ociRuntime":{"name":"crun"},"security":{"rootless":true}},"store":{"graphRoot":"/g"},"version":{"Version":"5.1.0"}}`},
	}}
	e, err := Detect(context.Background(), run, Auto)
	require.NoError(t, err)
	assert.Equal(t, Engine{Kind: Podman, Binary: "/p/podman", Version: "5.1.0", CgroupVersion: 2, Root: "/g", DefaultRuntime: "crun", Rootless: true, run: run}, *e)
}

func TestDetectAsksOnlyTheEngineThatIsWanted(t *testing.T) {
	run := &scripted{t: t, found: map[string][]string{"docker": {"/d/docker"}}}
	_, err := Detect(context.Background(), run, Nerdctl)
	var unusable *UnusableError
	require.ErrorAs(t, err, &unusable)
	assert.Equal(t, Absent, unusable.Cause())
	assert.Contains(t, err.Error(), "nerdctl")
	assert.Empty(t, run.calls)
}

func TestWhyAnEngineCannotBeUsed(t *testing.T) {
	for name, c := range map[string]struct {
		result answer
		cause  Cause
		says   string
	}{
		"no daemon":     {answer{err: exit("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")}, Stopped, StartCommand},
		"no permission": {answer{err: exit("permission denied while trying to connect to the Docker daemon socket")}, NoPermission, "usermod -aG docker"},
		"old engine":    {answer{err: exit("client version 1.52 is too new")}, TooOld, "older one"},
		"new engine":    {answer{err: exit("client version 1.40 is too old. Minimum supported API version is 1.44")}, TooOld, "older one"},
		"something":     {answer{err: exit("disk quota exceeded")}, Other, "meshgate doctor"},
		"no JSON":       {answer{out: "hello"}, Other, "not JSON"},
		"no server":     {answer{out: "{}"}, Other, "no server version"},
	} {
		t.Run(name, func(t *testing.T) {
			run := &scripted{t: t, found: map[string][]string{"docker": {"/d/docker"}}, answers: map[string]answer{"/d/docker info": c.result}}
			_, err := Detect(context.Background(), run, Docker)
			var unusable *UnusableError
			require.ErrorAs(t, err, &unusable)
			assert.Equal(t, c.cause, unusable.Cause())
			assert.Contains(t, err.Error(), c.says)
			assert.Contains(t, err.Error(), "/d/docker")
		})
	}
}

func TestNoEngineNamesTheCommandThatInstallsOne(t *testing.T) {
	_, err := Detect(context.Background(), &scripted{t: t}, Auto)
	require.ErrorContains(t, err, InstallCommand)
}

func TestPermissionIsTheRemedyBeforeTheInstallationOfAnother(t *testing.T) {
	e := &UnusableError{}
	e.add(Docker, "/a", errors.New("Cannot connect to the Docker daemon"))
	e.add(Podman, "/b", errors.New("permission denied"))
	assert.Equal(t, NoPermission, e.Cause())
}

func TestDetectEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancelCause(context.Background())
	interrupted := errors.New("interrupted")
	stop(interrupted)
	_, err := Detect(ctx, &scripted{t: t, found: map[string][]string{"docker": {"/d/docker"}}}, Auto)
	require.ErrorIs(t, err, interrupted)
}

func TestWhoNeedsTheShim(t *testing.T) {
	poor, rich := machine.Facts{LastCapability: 40, Bounding: 0x1fffeffffff}, machine.Facts{LastCapability: 40, Bounding: 0x1ffffffffff}
	old := Engine{Kind: Docker, Version: "20.10.24+dfsg1", DefaultRuntime: "runc"}
	assert.True(t, old.NeedsShim(poor))
	assert.False(t, old.NeedsShim(rich), "a host that lacks nothing")
	shimmed, young, podman := old, old, old
	shimmed.DefaultRuntime = RuntimeName
	young.Version = "28.2.2"
	podman.Kind = Podman
	assert.False(t, shimmed.NeedsShim(poor), "it has it")
	assert.False(t, young.NeedsShim(poor), "it asks only for what there is")
	assert.False(t, podman.NeedsShim(poor), "another engine")
}

func TestCommandsCarryStderrAndCode(t *testing.T) {
	_, err := Commands{}.Run(context.Background(), Call{Name: "sh", Args: []string{"-c", "echo out; echo why >&2; exit 3"}})
	var failed *ExitError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, 3, failed.Code)
	assert.Equal(t, "why", failed.Stderr)
	out, err := Commands{}.Run(context.Background(), Call{Name: "sh", Args: []string{"-c", "echo $X"}, Env: []string{"X=y"}})
	require.NoError(t, err)
	assert.Equal(t, "y\n", string(out))
	_, err = Commands{}.Run(context.Background(), Call{Name: "/no/such/program"})
	require.Error(t, err)
}

func TestCommandsEndWithTheirContext(t *testing.T) {
	ctx, stop := context.WithCancelCause(context.Background())
	interrupted := errors.New("interrupted")
	done := make(chan error, 1)
	go func() {
		_, err := Commands{}.Run(ctx, Call{Name: "sh", Args: []string{"-c", "exec sleep 60"}})
		done <- err
	}()
	stop(interrupted)
	require.ErrorIs(t, <-done, interrupted)
}

func TestFindKnowsAFileOnce(t *testing.T) {
	assert.Len(t, Commands{}.Find("sh"), 1, "/bin and /usr/bin are one folder here or there")
	assert.Empty(t, Commands{}.Find("no-such-engine"))
}
