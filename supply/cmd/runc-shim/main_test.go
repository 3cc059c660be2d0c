package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withoutSysResource is a host like the virtual machines of CI services.
func withoutSysResource() Limits {
	return Limits{
		Bounding:    (1<<len(capabilities) - 1) &^ (1 << sysResource),
		OOMScoreAdj: 0,
		Hard:        map[string]uint64{"RLIMIT_NOFILE": 1024},
	}
}

func TestSpecPaths(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want []spec
	}{
		"create as containerd calls it": {
			[]string{"--root", "/r", "--log", "/l.json", "--log-format", "json", "--systemd-cgroup", "create", "--bundle", "/b", "--pid-file", "/p", "id"},
			[]spec{{path: "/b/config.json"}},
		},
		"bundle with an equals sign": {[]string{"run", "--bundle=/b", "id"}, []spec{{path: "/b/config.json"}}},
		"short bundle":               {[]string{"create", "-b", "/b", "id"}, []spec{{path: "/b/config.json"}}},
		"no bundle":                  {[]string{"create", "id"}, []spec{{path: "config.json"}}},
		"exec with a process":        {[]string{"--root=/r", "exec", "--process", "/p.json", "id"}, []spec{{path: "/p.json", process: true}}},
		"exec of a command":          {[]string{"exec", "id", "ls"}, nil},
		"what starts nothing":        {[]string{"--root", "create", "delete", "id"}, nil},
		"nothing":                    {nil, nil},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, specPaths(c.args)) })
	}
}

func TestTrimTakesWhatTheHostLacks(t *testing.T) {
	raw := `{"ociVersion":"1.0.2","unknown":{"deep":[1,2]},"process":{
		"args":["sh"],"oomScoreAdj":-500,
		"capabilities":{"bounding":["CAP_CHOWN","CAP_SYS_RESOURCE","CAP_FUTURE"],"effective":["CAP_SYS_RESOURCE"]},
		"rlimits":[{"type":"RLIMIT_NOFILE","hard":1048576,"soft":1048576},{"type":"RLIMIT_CORE","hard":18446744073709551615,"soft":0}]}}`
	out, err := trim([]byte(raw), false, withoutSysResource())
	require.NoError(t, err)
	assert.JSONEq(t, `{"ociVersion":"1.0.2","unknown":{"deep":[1,2]},"process":{
		"args":["sh"],"oomScoreAdj":0,
		"capabilities":{"bounding":["CAP_CHOWN","CAP_FUTURE"],"effective":[]},
		"rlimits":[{"type":"RLIMIT_NOFILE","hard":1024,"soft":1024},{"type":"RLIMIT_CORE","hard":18446744073709551615,"soft":0}]}}`, string(out))
	assert.Contains(t, string(out), "18446744073709551615", "a 64-bit limit must survive")
}

func TestTrimLeavesWhatTheHostCanGive(t *testing.T) {
	everything := Limits{Bounding: 1<<len(capabilities) - 1}
	for name, raw := range map[string]string{
		"all is allowed":      `{"process": {"oomScoreAdj":-999,"capabilities":{"bounding":["CAP_SYS_RESOURCE"]}}}`,
		"no process":          `{"hostname": "x"}`,
		"no capabilities":     `{"process": {"args": []}}`,
		"odd but not our job": `{"process": {"capabilities": "all", "rlimits": 7}}`,
	} {
		t.Run(name, func(t *testing.T) {
			out, err := trim([]byte(raw), false, everything)
			require.NoError(t, err)
			assert.Equal(t, raw, string(out), "byte for byte")
		})
	}
}

func TestTrimABareProcess(t *testing.T) {
	out, err := trim([]byte(`{"capabilities":{"permitted":["CAP_SYS_RESOURCE","CAP_KILL"]}}`), true, withoutSysResource())
	require.NoError(t, err)
	assert.JSONEq(t, `{"capabilities":{"permitted":["CAP_KILL"]}}`, string(out))
}

func TestTrimRefusesWhatIsNoSpecification(t *testing.T) {
	for _, raw := range []string{"", "[]", "{", "{]"} {
		_, err := trim([]byte(raw), false, withoutSysResource())
		assert.Error(t, err, raw)
	}
}

func TestRunTrimsBeforeItHandsOver(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"process":{"capabilities":{"bounding":["CAP_SYS_RESOURCE"]}}}`), 0o600))
	seen := ""
	err := run([]string{"create", "--bundle", dir, "id"},
		func() (Limits, error) { return withoutSysResource(), nil },
		func(args []string) error {
			raw, err := os.ReadFile(file)
			seen = string(raw)
			assert.Equal(t, []string{"create", "--bundle", dir, "id"}, args)
			return err
		})
	require.NoError(t, err)
	assert.JSONEq(t, `{"process":{"capabilities":{"bounding":[]}}}`, seen)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 1, "no temporary file stays")
}

func TestRunDoesNotHandOverABrokenSpecification(t *testing.T) {
	dir := t.TempDir()
	err := run([]string{"create", "--bundle", dir, "id"},
		func() (Limits, error) { return Limits{}, nil },
		func([]string) error { t.Error("handed over"); return nil })
	require.ErrorIs(t, err, os.ErrNotExist)
	broken := errors.New("no /proc")
	err = run([]string{"create", "id"}, func() (Limits, error) { return Limits{}, broken }, func([]string) error { return nil })
	require.ErrorIs(t, err, broken)
}

func TestHostLimitsOfThisMachine(t *testing.T) {
	l, err := hostLimits()
	require.NoError(t, err)
	assert.NotZero(t, l.Bounding)
	_, err = boundingSet([]byte("Name:\tx\n"))
	require.Error(t, err)
}

func TestHardLimits(t *testing.T) {
	text := "Limit                     Soft Limit           Hard Limit           Units     \n" +
		"Max open files            1024                 1048576              files     \n" +
		"Max processes             96406                96406                processes \n" +
		"Max cpu time              unlimited            unlimited            seconds   \n"
	assert.Equal(t, map[string]uint64{"RLIMIT_NOFILE": 1048576, "RLIMIT_NPROC": 96406}, hardLimits([]byte(text)))
}

func TestRealRuncIsNeverOurselves(t *testing.T) {
	dir, self := t.TempDir(), "/proc/self/exe"
	me, err := os.Readlink(self)
	require.NoError(t, err)
	require.NoError(t, os.Symlink(me, filepath.Join(dir, "runc")))
	other := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(other, "runc"), []byte("#!/bin/sh\n"), 0o755))
	got, err := realRunc(dir + ":" + other)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(other, "runc"), got)
}

func TestCapabilityTableIsComplete(t *testing.T) {
	raw, err := json.Marshal(capabilities)
	require.NoError(t, err)
	assert.Len(t, capabilities, 41, string(raw))
	assert.Equal(t, "CAP_SYS_RESOURCE", capabilities[sysResource])
	assert.Equal(t, "CAP_CHECKPOINT_RESTORE", capabilities[40])
}
