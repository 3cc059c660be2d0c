package main

import (
	"fmt"
	"os"
	"strings"
)

// The official image's names, and those by which FerretDB takes the same.
const (
	ofImage  = "MONGO_INITDB_"
	userOf   = ofImage + "ROOT_USERNAME"
	secretOf = ofImage + "ROOT_PASSWORD"

	ofFerretDB     = "FERRETDB_"
	ferretUserOf   = ofFerretDB + "SETUP_USERNAME"
	ferretSecretOf = ofFerretDB + "SETUP_PASSWORD"
)

// user is the first user of a new data folder; none if it has no name.
type user struct{ name, password string }

// rootOf reads the user from the environment or from the files that it names.
func rootOf(env []string) (user, error) {
	values := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		values[name] = value
	}
	name, err := given(values, userOf)
	if err != nil {
		return user{}, err
	}
	password, err := given(values, secretOf)
	if err != nil {
		return user{}, err
	}
	if (name == "") != (password == "") {
		return user{}, fmt.Errorf("%s and %s: want both or neither, got one", userOf, secretOf)
	}
	return user{name: name, password: password}, nil
}

// given is the value of a variable, or the content of the file that the variable
// with _FILE after its name says, without the ends of line after it.
func given(values map[string]string, name string) (string, error) {
	value, file := values[name], values[name+"_FILE"]
	switch {
	case file == "":
		return value, nil
	case value != "":
		return "", fmt.Errorf("%s and %s_FILE: want one of them, got both", name, name)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	return strings.TrimRight(string(content), "\n"), nil
}

// environment is what FerretDB gets: the user, and nothing else that it would take
// for a setting. The arguments of a process are for all to read, these are not.
func environment(env []string, root user) []string {
	var out []string
	for _, e := range env {
		if !strings.HasPrefix(e, ofImage) && !strings.HasPrefix(e, ofFerretDB) {
			out = append(out, e)
		}
	}
	if root.name != "" {
		out = append(out, ferretUserOf+"="+root.name, ferretSecretOf+"="+root.password)
	}
	return out
}
