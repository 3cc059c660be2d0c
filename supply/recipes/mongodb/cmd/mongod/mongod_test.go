package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// plan is what FerretDB would be started with.
func plan(t *testing.T, env []string, args ...string) (argv, environ []string, err error) {
	t.Helper()
	s, err := parse(args)
	if err != nil {
		return nil, nil, err
	}
	root, err := rootOf(env)
	if err != nil {
		return nil, nil, err
	}
	return s.arguments(root), environment(env, root), s.check(root)
}

// file writes a file and gives its path.
func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantAll(t *testing.T, got []string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("want %q, got %q", w, got)
		}
	}
}

func wantNone(t *testing.T, got []string, prefixes ...string) {
	t.Helper()
	for _, g := range got {
		for _, p := range prefixes {
			if strings.HasPrefix(g, p) {
				t.Errorf("want nothing that begins with %q, got %q", p, g)
			}
		}
	}
}

var someUser = []string{userOf + "=root", secretOf + "=p=w d"}

func TestTheFirstArgumentMayBeTheProgram(t *testing.T) {
	for _, args := range [][]string{{"mongod", "--port", "27018", "--auth"}, {"--port=27018", "--auth"}} {
		s, err := parse(args)
		if err != nil || s.port != "27018" || !s.auth || s.dbpath != "/data/db" {
			t.Errorf("%q: got %+v, %v", args, s, err)
		}
	}
}

func TestPlainTextListensOnEveryAddressUnlessToldOtherwise(t *testing.T) {
	dir := t.TempDir()
	for want, args := range map[string][]string{
		"--listen-addr=:27017":          {},
		"--listen-addr=:27019":          {"--bind_ip_all", "--port", "27019"},
		"--listen-addr=127.0.0.1:27017": {"--bind_ip", "127.0.0.1"},
		"--listen-addr=:27016":          {"--bind_ip", "localhost,*", "--port", "27016"},
		"--listen-addr=[::1]:27017":     {"--bind_ip=::1"},
	} {
		argv, _, err := plan(t, nil, append(args, "--dbpath", dir)...)
		if err != nil {
			t.Error(err)
		}
		wantAll(t, argv, want, "--sqlite-url=file://"+dir+"/", "--state-dir="+dir+"/", "--debug-addr=-", "--telemetry=disable")
		wantNone(t, argv, "--listen-tls", "--test-enable-new-auth", "--setup")
	}
}

func TestWhereTLSIsRequiredPlainTextIsNotServed(t *testing.T) {
	pair, ca := file(t, "pair.pem", "certificate and key"), file(t, "ca.pem", "authority")
	args := []string{"--dbpath", t.TempDir(), "--tlsMode", "requireTLS", "--tlsCertificateKeyFile", pair, "--tlsCAFile", ca}
	argv, _, err := plan(t, nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	wantAll(t, argv, "--listen-addr=", "--listen-tls=:27017", "--listen-tls-cert-file="+pair, "--listen-tls-key-file="+pair, "--listen-tls-ca-file="+ca)
	argv, _, err = plan(t, nil, append(args, "--tlsAllowConnectionsWithoutCertificates")...)
	if err != nil {
		t.Fatal(err)
	}
	wantNone(t, argv, "--listen-tls-ca-file")
}

func TestTheSecretIsInTheEnvironmentAndNotInTheArguments(t *testing.T) {
	env := append([]string{"PATH=/bin", "FERRETDB_PORT=tcp://10.0.0.1:1", "MONGO_INITDB_DATABASE=test"}, someUser...)
	argv, environ, err := plan(t, env, "--dbpath", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	wantAll(t, argv, "--test-enable-new-auth", "--setup-database=admin")
	if strings.Contains(strings.Join(argv, " "), "p=w d") {
		t.Errorf("the password is in the arguments: %q", argv)
	}
	if want := []string{"PATH=/bin", "FERRETDB_SETUP_USERNAME=root", "FERRETDB_SETUP_PASSWORD=p=w d"}; !slices.Equal(want, environ) {
		t.Errorf("want %q, got %q", want, environ)
	}
}

func TestTheUserMayComeFromFiles(t *testing.T) {
	root, err := rootOf([]string{userOf + "_FILE=" + file(t, "name", "root\n"), secretOf + "_FILE=" + file(t, "password", " p w\n\n")})
	if err != nil || root != (user{name: "root", password: " p w"}) {
		t.Errorf("got %+v, %v", root, err)
	}
}

func TestFewerLinesAreLoggedIfAskedFor(t *testing.T) {
	for want, args := range map[string][]string{"--log-level=info": {}, "--log-level=warn": {"--quiet"}} {
		argv, _, err := plan(t, nil, append(args, "--dbpath", t.TempDir())...)
		if err != nil {
			t.Error(err)
		}
		wantAll(t, argv, want)
	}
}

func TestWhatCannotBeKeptIsRefused(t *testing.T) {
	pem := file(t, "pair.pem", "certificate and key")
	tls := []string{"--tlsMode", "requireTLS"}
	for want, c := range map[string]struct{ env, args []string }{
		"--bindip_all: meshgate's stand-in for MongoDB does not know it; the nearest is --bind_ip_all":     {args: []string{"--bindip_all"}},
		"--tlsCertificateFile: meshgate's stand-in for MongoDB does not know it; the nearest is --tlsCert": {args: []string{"--tlsCertificateFile", pem}},
		"sh: meshgate's stand-in":                               {args: []string{"sh", "-c", "true"}},
		"--port: want it once, got it twice":                    {args: []string{"--port", "1", "--port=2"}},
		"--port: want a value, got none":                        {args: []string{"--port", "--auth"}},
		`--auth: want no value, got "yes"`:                      {args: []string{"--auth=yes"}},
		`--port: want a number from 1 to 65535, got "a"`:        {args: []string{"--port", "a"}},
		"--dbpath: want a folder, got /none/here":               {args: []string{"--dbpath", "/none/here"}},
		"--bind_ip: want one address":                           {args: []string{"--bind_ip", "127.0.0.1,10.0.0.1"}},
		"--tlsMode: want disabled or requireTLS":                {args: []string{"--tlsMode", "preferTLS"}},
		"want --tlsCertificateKeyFile as well":                  {args: tls},
		"want --tlsCAFile as well: MongoDB 7.0 does not start":  {args: append(tls, "--tlsCertificateKeyFile", pem)},
		"--tlsMode: want requireTLS for":                        {args: []string{"--tlsCertificateKeyFile", pem}},
		"--tlsCAFile: open /none.pem":                           {args: append(tls, "--tlsCertificateKeyFile", pem, "--tlsCAFile", "/none.pem")},
		"--auth: want MONGO_INITDB_ROOT_USERNAME and":           {args: []string{"--auth"}},
		"want both or neither, got one":                         {env: someUser[:1]},
		"want one of them, got both":                            {env: append(someUser, secretOf+"_FILE="+pem)},
		"MONGO_INITDB_ROOT_PASSWORD_FILE: open /none/password:": {env: []string{secretOf + "_FILE=/none/password"}},
	} {
		args := c.args
		if !slices.Contains(args, "--dbpath") {
			args = append(slices.Clone(args), "--dbpath", t.TempDir())
		}
		if _, _, err := plan(t, c.env, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q %q: want an error with %q, got %v", c.env, c.args, want, err)
		}
	}
}

func TestADataFolderThatHasUsersMayBeEnteredByThem(t *testing.T) {
	dir := filepath.Dir(file(t, "admin.sqlite", ""))
	argv, _, err := plan(t, nil, "--auth", "--dbpath", dir)
	if err != nil {
		t.Fatal(err)
	}
	wantAll(t, argv, "--test-enable-new-auth")
	wantNone(t, argv, "--setup")
}

func TestScriptsThatNobodyWouldRunAreRefused(t *testing.T) {
	if err := noScripts(filepath.Join(t.TempDir(), "none")); err != nil {
		t.Error(err)
	}
	if err := noScripts(filepath.Dir(file(t, "data.json", ""))); err != nil {
		t.Error(err)
	}
	if err := noScripts(filepath.Dir(file(t, "setup.js", ""))); err == nil || !strings.Contains(err.Error(), "setup.js: this image has no mongosh") {
		t.Errorf("got %v", err)
	}
}

// Only root can give files away: this test gives them to whoever runs it.
func TestADataFolderIsOwnedAsAWhole(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "below"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "below", "link")); err != nil {
		t.Fatal(err)
	}
	if err := own(dir, os.Getuid(), os.Getgid()); err != nil {
		t.Error(err)
	}
	if err := own(filepath.Join(dir, "none"), os.Getuid(), os.Getgid()); err != nil {
		t.Error(err)
	}
}
