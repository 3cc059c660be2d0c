package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// settings are the arguments of mongod that are understood, by MongoDB's names.
type settings struct {
	port, bindIP, dbpath, tlsMode, certificateKeyFile, caFile string
	bindIPAll, auth, withoutCertificates, quiet               bool
}

// values are the arguments that have a value.
func (s *settings) values() map[string]*string {
	return map[string]*string{
		"--port": &s.port, "--bind_ip": &s.bindIP, "--dbpath": &s.dbpath,
		"--tlsMode": &s.tlsMode, "--tlsCertificateKeyFile": &s.certificateKeyFile, "--tlsCAFile": &s.caFile,
	}
}

// switches are the arguments that have none.
func (s *settings) switches() map[string]*bool {
	return map[string]*bool{
		"--bind_ip_all": &s.bindIPAll, "--auth": &s.auth, "--quiet": &s.quiet,
		"--tlsAllowConnectionsWithoutCertificates": &s.withoutCertificates,
	}
}

// parse reads the arguments, with or without the program's name before them. As
// with MongoDB itself, an argument that is given twice is an error.
func parse(args []string) (settings, error) {
	s, seen := settings{port: "27017", dbpath: "/data/db", tlsMode: tlsDisabled}, map[string]bool{}
	if len(args) > 0 && args[0] == "mongod" {
		args = args[1:]
	}
	for len(args) > 0 {
		name, _, _ := strings.Cut(args[0], "=")
		if seen[name] {
			return s, fmt.Errorf("%s: want it once, got it twice", name)
		}
		seen[name] = true
		rest, err := s.take(args[0], args[1:])
		if err != nil {
			return s, err
		}
		args = rest
	}
	return s, nil
}

// take notes an argument and returns what is left after it and its value.
func (s *settings) take(arg string, rest []string) ([]string, error) {
	name, value, inline := strings.Cut(arg, "=")
	if on, ok := s.switches()[name]; ok {
		*on = true
		if inline {
			return nil, fmt.Errorf("%s: want no value, got %q", name, value)
		}
		return rest, nil
	}
	into, ok := s.values()[name]
	if !ok {
		return nil, unknown(name)
	}
	if !inline && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		value, rest = rest[0], rest[1:]
	}
	if value == "" {
		return nil, fmt.Errorf("%s: want a value, got none", name)
	}
	*into = value
	return rest, nil
}

// unknown is the error about an argument that is not understood; it names those
// that are, the most similar first.
func unknown(name string) error {
	s := &settings{}
	known := slices.Concat(slices.Collect(maps.Keys(s.values())), slices.Collect(maps.Keys(s.switches())))
	slices.SortFunc(known, func(a, b string) int {
		if by := distance(name, a) - distance(name, b); by != 0 {
			return by
		}
		return strings.Compare(a, b)
	})
	return fmt.Errorf("%s: meshgate's stand-in for MongoDB does not know it; the nearest is %s, the others are %s",
		name, known[0], strings.Join(known[1:], ", "))
}

// distance is how many letters must be put in, taken out or exchanged to make b of
// a; upper and lower case are one.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			exchanged := diagonal
			if a[i] != b[j] {
				exchanged++
			}
			diagonal = row[j+1]
			row[j+1] = min(exchanged, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
