package commandline

import (
	"bytes"
	"encoding/json"
	"fmt"

	"meshgate/framework/probe"
	"meshgate/framework/shell"
)

// Kubectl is how a cluster is reached.
type Kubectl struct{ Kubeconfig, Context string }

// Line is kubectl with these arguments, on that cluster.
func (k Kubectl) Line(args ...string) string {
	words := []string{"kubectl"}
	if k.Kubeconfig != "" {
		words = append(words, "--kubeconfig", k.Kubeconfig)
	}
	if k.Context != "" {
		words = append(words, "--context", k.Context)
	}
	return shell.Join(append(words, args...)...)
}

// Pod is where an agent runs.
type Pod struct{ Namespace, Name, Container string }

// agent is the program of its image, which has no other.
const agent = "/app"

// Inside is the request as the agent in a pod makes it: it reads the request as JSON, and
// prints what it observed.
func Inside(k Kubectl, p Pod, r probe.Request, files *Files) (Line, error) {
	a, err := probe.Plan(r)
	if err != nil {
		return Line{}, err
	}
	r.RequestID, r.Timeout = a.RequestID, a.Timeout
	raw, err := json.Marshal(r)
	if err != nil {
		return Line{}, err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, raw, "", "  "); err != nil {
		return Line{}, err
	}
	line := k.Line("-n", p.Namespace, "exec", "-i", p.Name, "-c", p.Container, "--", agent, "probe")
	return Line{
		Text:  line + " <" + shell.Quote(files.keep("request.json", text.String()+"\n")),
		Notes: []string{fmt.Sprintf("%s, as the agent in %s/%s asks it", a.URL, p.Namespace, p.Name)},
	}, nil
}
