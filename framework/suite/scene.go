package suite

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"meshgate/framework/printable"
	"meshgate/framework/probe"
	"meshgate/framework/probe/commandline"
	"meshgate/framework/replay"
	"meshgate/framework/report"
)

// scene is what a person is shown who wants to look at a feature where it is held.
type scene struct {
	run     *featureRun
	kubectl commandline.Kubectl
	files   commandline.Files
	lines   []string
}

func (r *featureRun) scene(dir string) *scene {
	c := r.suite.bed.Cluster
	return &scene{run: r, kubectl: commandline.Kubectl{Kubeconfig: c.Kubeconfig, Context: c.Context}, files: commandline.Files{Dir: dir}}
}

func (s *scene) say(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

// wrong says which hop the failure names.
func (s *scene) wrong(failed *report.Failure) {
	if failed != nil && failed.Way != nil && failed.Way.Sentence != "" {
		s.say("first wrong hop: %s", printable.Short(failed.Way.Sentence, maxHead))
	}
}

// ground says on what else than the earlier run the replay stands.
func (s *scene) ground(t *replay.Target) {
	if t == nil {
		return
	}
	if elsewhere := t.Elsewhere(s.run.suite.bed.Facts()); elsewhere != "" {
		s.say("this is not what run %s stood on: %s", t.Run, elsewhere)
	}
}

// asking shows how to make the step's requests by hand. A step that is code has none; then
// the observation says what was asked, if there is one.
func (s *scene) asking(ctx context.Context, step string, failed *report.Failure) {
	exchanges := s.run.feature.exchanges(step)
	if len(exchanges) == 0 {
		s.observed(failed)
		return
	}
	s.say("the requests of the step:")
	for _, x := range exchanges {
		var line commandline.Line
		_, err := guarded(func() (_ result, err error) {
			line, err = x.line(ctx, s.run.env, s.kubectl, &s.files)
			return result{}, err
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

// line is what make asks, as a command for a person.
func (x Exchange) line(ctx context.Context, e *Env, k commandline.Kubectl, files *commandline.Files) (commandline.Line, error) {
	r := x.asked(e)
	if x.from.app == "" {
		r, err := e.through(x.gateway, r)
		if err != nil {
			return commandline.Line{}, err
		}
		return commandline.Outside(r, files)
	}
	pods, err := e.pods(ctx, e.Namespace(x.from.namespace), "app="+x.from.app)
	if err != nil {
		return commandline.Line{}, err
	}
	return commandline.Inside(k, commandline.Pod{Namespace: pods[0].Namespace, Name: pods[0].Name, Container: agentContainer}, e.trusting(r), files)
}

func (s *scene) observed(failed *report.Failure) {
	var o struct{ Request probe.RequestSummary }
	if failed == nil || json.Unmarshal(failed.Observation, &o) != nil || o.Request.URL == "" {
		s.say("the step is more than a request, and has no command")
		return
	}
	r := o.Request
	s.say("the step is more than a request, and has no command; it asked %s, %s %s at %s", r.Via, cmp.Or(r.Method, string(r.Kind)), r.URL, cmp.Or(r.Connect, "its own address"))
}

// around shows how to get to the pods.
func (s *scene) around() {
	s.say("what stands:")
	for _, namespace := range s.run.suite.places() {
		s.say("  %s", s.kubectl.Line("-n", namespace, "get", "pods"))
	}
}

// show writes the files and then the lines that read them.
func (s *scene) show(w io.Writer) {
	for _, f := range s.files.List {
		if err := os.WriteFile(filepath.Join(s.files.Dir, f.Name), []byte(f.Content), 0o600); err != nil {
			s.say("not written: %v", err)
		}
	}
	for _, line := range s.lines {
		fmt.Fprintln(w, line)
	}
}

// exchanges are those of a step; a step that is code has none.
func (f Feature) exchanges(step string) []Exchange {
	for _, s := range f.Then {
		if s.Name == step {
			return s.exchanges
		}
	}
	return nil
}

// places are the namespaces in which a feature has to do with pods.
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
