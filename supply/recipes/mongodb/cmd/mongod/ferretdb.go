package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The values of --tlsMode that one listener of FerretDB can keep.
const (
	tlsDisabled = "disabled"
	tlsRequired = "requireTLS"
)

// scripts are what the official image runs with mongosh when a data folder is new.
const scripts = "/docker-entrypoint-initdb.d"

// check refuses what FerretDB cannot do, and what MongoDB would refuse.
func (s settings) check(root user) error {
	if port, err := strconv.Atoi(s.port); err != nil || port < 1 || port > 65535 {
		return fmt.Errorf("--port: want a number from 1 to 65535, got %q", s.port)
	}
	if info, err := os.Stat(s.dbpath); err != nil || !info.IsDir() {
		return fmt.Errorf("--dbpath: want a folder, got %s (%v)", s.dbpath, err)
	}
	if _, err := s.host(); err != nil {
		return err
	}
	return errors.Join(s.checkTLS(), s.checkAuth(root), noScripts(scripts))
}

// host is the address to listen on, all if it is empty: the official image's start
// script listens on all unless it is told otherwise.
func (s settings) host() (string, error) {
	if s.bindIP == "" || s.bindIPAll {
		return "", nil
	}
	hosts := strings.Split(s.bindIP, ",")
	if slices.Contains(hosts, "*") || slices.Contains(hosts, "::") {
		return "", nil
	}
	if len(hosts) > 1 {
		return "", fmt.Errorf("--bind_ip: want one address, for FerretDB listens on one, or --bind_ip_all; got %s", s.bindIP)
	}
	return hosts[0], nil
}

func (s settings) checkTLS() error {
	switch {
	case s.tlsMode == tlsDisabled && s.certificateKeyFile+s.caFile != "":
		return fmt.Errorf("--tlsMode: want %s for --tlsCertificateKeyFile and --tlsCAFile, got %s", tlsRequired, s.tlsMode)
	case s.tlsMode == tlsDisabled:
		return nil
	case s.tlsMode != tlsRequired:
		return fmt.Errorf("--tlsMode: want %s or %s, for FerretDB has a port for each; got %q", tlsDisabled, tlsRequired, s.tlsMode)
	case s.certificateKeyFile == "":
		return fmt.Errorf("--tlsMode %s: want --tlsCertificateKeyFile as well", tlsRequired)
	case s.caFile == "":
		return fmt.Errorf("--tlsMode %s: want --tlsCAFile as well: MongoDB 7.0 does not start without it", tlsRequired)
	}
	return errors.Join(readable("--tlsCertificateKeyFile", s.certificateKeyFile), readable("--tlsCAFile", s.caFile))
}

// readable asks for files that FerretDB would not read, too: MongoDB reads them.
func readable(name, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return file.Close()
}

// checkAuth refuses a database that nobody could ever enter: FerretDB knows no
// exception for the first user.
func (s settings) checkAuth(root user) error {
	if !s.auth || root.name != "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(s.dbpath, "admin.sqlite")); err != nil {
		return fmt.Errorf("--auth: want %s and %s for a new data folder, got neither: nobody could enter it", userOf, secretOf)
	}
	return nil
}

// noScripts refuses scripts: what they should have set up would be missing later.
func noScripts(dir string) error {
	found, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range found {
		if ext := filepath.Ext(f.Name()); ext == ".js" || ext == ".sh" {
			return fmt.Errorf("%s/%s: this image has no mongosh to run it: set up the database by a driver", dir, f.Name())
		}
	}
	return err
}

// arguments are what the settings mean to FerretDB, which has checked them. No
// secret is in them.
func (s settings) arguments(root user) []string {
	dir := strings.TrimRight(s.dbpath, "/") + "/"
	args := []string{
		"--handler=sqlite", "--sqlite-url=" + (&url.URL{Scheme: "file", Path: dir}).String(), "--state-dir=" + dir,
		"--telemetry=disable", "--debug-addr=-",
	}
	args = append(args, s.listen()...)
	if s.auth || root.name != "" {
		args = append(args, "--test-enable-new-auth")
	}
	if root.name != "" {
		// The database in which the official image makes its first user.
		args = append(args, "--setup-database=admin")
	}
	level := "info"
	if s.quiet {
		level = "warn"
	}
	return append(args, "--log-level="+level)
}

// listen switches off the listener that is not asked for: where TLS is required,
// plain text finds no port.
func (s settings) listen() []string {
	host, _ := s.host() // checked
	address := net.JoinHostPort(host, s.port)
	if s.tlsMode == tlsDisabled {
		return []string{"--listen-addr=" + address}
	}
	args := []string{
		"--listen-addr=", "--listen-tls=" + address,
		// Either finds its part in a file that holds both.
		"--listen-tls-cert-file=" + s.certificateKeyFile, "--listen-tls-key-file=" + s.certificateKeyFile,
	}
	if !s.withoutCertificates {
		args = append(args, "--listen-tls-ca-file="+s.caFile)
	}
	return args
}
