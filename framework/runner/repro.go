package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"meshgate/framework/suite"
	"os"
	"path/filepath"
	"slices"

	"meshgate/framework/printable"
	"meshgate/framework/probe"
	"meshgate/framework/probe/commandline"
	"meshgate/framework/replay"
	"meshgate/framework/report"
)

// reproGuide is what a person is shown who wants to look at a feature that is held.
type reproGuide struct {
	run     *featureRun
	kubectl commandline.Kubectl
	files   commandline.Files
	lines   []string
}

func (r *featureRun) reproGuide(dir string) *reproGuide {
	c := r.suite.bed.Cluster
	return &reproGuide{run: r, kubectl: commandline.Kubectl{Kubeconfig: c.Kubeconfig, Context: c.Context}, files: commandline.Files{Dir: dir}}
}

func (s *reproGuide) say(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

// firstWrongHop says which hop the failure names.
func (s *reproGuide) firstWrongHop(failed *report.Failure) {
	if failed != nil && failed.Way != nil && failed.Way.Sentence != "" {
		s.say("first wrong hop: %s", printable.Short(failed.Way.Sentence, maxHead))
	}
}

// warnDifferentEnv says in what the cluster or mesh differs from that of the earlier run.
func (s *reproGuide) warnDifferentEnv(t *replay.Target) {
	if t == nil {
		return
	}
	if elsewhere := t.Elsewhere(s.run.suite.bed.Facts()); elsewhere != "" {
		s.say("this differs from the cluster and mesh of run %s: %s", t.Run, elsewhere)
	}
}

// requestCommands shows how to make the step's requests by hand. A step that is code has
// none; then the observation says what was asked, if there is one.
func (s *reproGuide) requestCommands(ctx context.Context, step string, failed *report.Failure) {
	exchanges := exchangesOf(s.run.feature, step)
	if len(exchanges) == 0 {
		s.observed(failed)
		return
	}
	s.say("the requests of the step:")
	for _, x := range exchanges {
		var line commandline.Line
		err := guarded(func() (err error) {
			line, err = s.run.env.commandOf(ctx, x, s.kubectl, &s.files)
			return err
		})
		if err != nil {
			s.say("  # this one has no command: %v", err)
			continue
		}
		for _, note := range line.Notes {
			s.say("  # %s", note)
		}
		s.say("  %s", line.Text)
	}
}

// commandOf is the request of an exchange as a command for a person.
func (e *environment) commandOf(ctx context.Context, x suite.Exchange, k commandline.Kubectl, files *commandline.Files) (commandline.Line, error) {
	r, err := x.Asked(ctx, e)
	if err != nil {
		return commandline.Line{}, err
	}
	if (x.Client == suite.App{}) {
		r, err := e.through(x.Gateway, r)
		if err != nil {
			return commandline.Line{}, err
		}
		return commandline.Outside(r, files)
	}
	pods, err := e.pods(ctx, e.Namespace(x.Client.Namespace), "app="+x.Client.Name)
	if err != nil {
		return commandline.Line{}, err
	}
	return commandline.Inside(k, commandline.Pod{Namespace: pods[0].Namespace, Name: pods[0].Name, Container: agentContainer}, e.trusting(r), files)
}

func (s *reproGuide) observed(failed *report.Failure) {
	var o struct{ Request probe.RequestSummary }
	if failed == nil || json.Unmarshal(failed.Observation, &o) != nil || o.Request.URL == "" {
		s.say("the step is more than a request, and has no command")
		return
	}
	r := o.Request
	s.say("the step is more than a request, and has no command; it asked %s, %s %s at %s", r.Via, cmp.Or(r.Method, string(r.Kind)), r.URL, cmp.Or(r.Connect, "its own address"))
}

// podCommands shows how to list the pods.
func (s *reproGuide) podCommands() {
	s.say("the pods:")
	for _, namespace := range s.run.suite.places() {
		s.say("  %s", s.kubectl.Line("-n", namespace, "get", "pods"))
	}
}

// show writes the files and then the lines that read them.
func (s *reproGuide) show(w io.Writer) {
	for _, f := range s.files.List {
		if err := os.WriteFile(filepath.Join(s.files.Dir, f.Name), []byte(f.Content), 0o600); err != nil {
			s.say("not written: %v", err)
		}
	}
	for _, line := range s.lines {
		fmt.Fprintln(w, line)
	}
}

// exchangesOf lists the exchanges of a step; a step that is code has none.
func exchangesOf(f suite.Feature, step string) []suite.Exchange {
	var all []suite.Exchange
	for _, s := range f.Steps {
		if s.Name != step {
			continue
		}
		for _, c := range s.Conditions {
			if x, is := c.(suite.Exchange); is {
				all = append(all, x)
			}
		}
	}
	return all
}

// places are the namespaces of the pods that a feature has to do with.
func (s *suiteRun) places() []string {
	m := s.bed.Mesh
	all := append(s.realNamespaces(), m.Ingress.Namespace, m.Egress.Namespace, m.Namespace)
	for _, g := range s.suite.Gateways {
		all = append(all, m.Others[g.Name].Namespace)
	}
	var places []string
	for _, p := range all {
		if p != "" && !slices.Contains(places, p) {
			places = append(places, p)
		}
	}
	return places
}
