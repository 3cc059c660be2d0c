package archtest

// ImportRules say who may import what; each has its reason. docs/design.md shows the layout
// that they keep.
func ImportRules() []ImportRule {
	return append(supplyRules(), []ImportRule{
		{
			In: []string{"./..."}, Except: []string{"./framework/runner"},
			Forbid: []string{"testing", "sigs.k8s.io/e2e-framework/..."},
			Why:    "steps return errors; the runner alone owns *testing.T and captures evidence before it fails",
		},
		{
			In: []string{"./framework/suite"},
			Allow: []string{
				"./framework/probe", "./framework/expect", "./framework/accesslog", "./framework/mesh", "./framework/manifest",
				"./framework/pki", "./framework/report", "./framework/wait", "./fixtures", "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured",
			},
			Why: "the language says what is wanted of a mesh; how the runner carries it out is not its business",
		},
		{
			In: []string{"./..."}, Except: []string{"./framework/cluster/kind/...", "./internal/deps"},
			Forbid: []string{"sigs.k8s.io/kind/..."}, Tests: true,
			Why: "suites talk to the cluster they are given; how kind makes one is known in framework/cluster/kind alone",
		},
		{
			In: []string{"./..."}, Except: []string{"./framework/mesh/istio/...", "./internal/deps"},
			Forbid: []string{"helm.sh/helm/..."}, Tests: true,
			Why: "how a mesh is installed is its flavour's business; Helm is that of framework/mesh/istio",
		},
		{
			In: []string{"./suites/..."}, Except: []string{"./suites"},
			Allow: []string{
				"./framework/suite", "./framework/probe/...", "./framework/expect", "./framework/accesslog",
				"./framework/mesh", "./framework/manifest", "./framework/pki", "./framework/trace", "./framework/ratingsdb", "./fixtures",
			},
			Why: "a suite is data about a mesh: it knows no runner, no provider, no flavour, no client and no other suite",
		},
		{
			In: []string{"./framework/...", "./fixtures/..."}, Forbid: []string{"./suites/...", "./cmd/..."}, Tests: true,
			Why: "data flows one way, and the framework is what suites and commands stand on",
		},
		{
			In: []string{"./framework/expect", "./framework/accesslog", "./framework/hop", "./framework/wait", "./framework/manifest/...", "./framework/pki", "./framework/trace", "./framework/config",
				"./framework/probe/commandline", "./framework/replay", "./framework/shell", "./framework/printable"},
			Forbid: append([]string{"os/exec"}, clients()...),
			Why:    "the pure rooms ask nothing of a network or a cluster: what they say comes from what they are given",
		},
		{
			In: []string{"./..."}, Except: []string{"./framework/cluster/providers", "./framework/cluster/kind/..."},
			Forbid: []string{"./framework/cluster/kind"},
			Why:    "providers meet an interface, and one explicit table names them",
		},
		{
			In: []string{"./..."}, Except: []string{"./framework/mesh/flavours", "./framework/mesh/istio/..."},
			Forbid: []string{"./framework/mesh/istio"},
			Why:    "flavours meet an interface, and one explicit table names them",
		},
		{
			In: []string{"./framework/..."}, Forbid: []string{"github.com/spf13/cobra"}, Tests: true,
			Why: "commands are cmd's; the framework is called by tests too",
		},
	}...)
}

// clients are packages that talk to a cluster, or that stand on one that does.
func clients() []string {
	return []string{
		"k8s.io/client-go/...", "istio.io/client-go/pkg/clientset/...", "golang.org/x/net/http2", "google.golang.org/grpc/...",
		"./framework/kube", "./framework/cluster/...", "./framework/mesh/...", "./framework/bundle/...", "./framework/evidence", "./framework/suite", "./framework/runner", "./framework/testbed",
	}
}

// CodeRules are those about what the code itself does.
func CodeRules() []CodeRule {
	return []CodeRule{
		{
			Name: "sleep", In: []string{"./..."}, Except: []string{"./framework/wait"}, Tests: true,
			Find: calls("time", "Sleep"),
			Why:  "what waits polls a condition with a deadline that has a name: use framework/wait",
		},
		{
			Name: "init", In: []string{"./..."}, Tests: true, Find: initFunctions,
			Why: "variants stand in explicit tables; nothing happens because a package is imported",
		},
		{
			Name: "exit", In: []string{"./..."}, NotMain: true,
			Find: either(calls("os", "Exit"), calls("log", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln")),
			Why:  "library code returns errors; only a command ends the process, and cleanup comes first",
		},
		{
			Name: "panic", In: []string{"./..."}, Find: panics,
			Why: "library code returns errors with the object they are about",
		},
		{
			Name: "state", In: []string{"./..."}, Find: packageState,
			Why: "no package state: two runs in one process must not meet (sentinels, tables, expressions and embedded files are none)",
		},
		{
			Name: "skip", In: []string{"./..."}, Tests: true, Find: methodCalls("t", "Skip", "Skipf", "SkipNow"), Except: []string{"./framework/runner"},
			Why: "a test that does not run is reported by framework/runner with its reason, never silently green",
		},
		{
			Name: "unfinished", In: []string{"./..."}, Tests: true, Find: unfinished,
			Why: "what is left is an issue with evidence, not a note in the code",
		},
		{
			Name: "network", Find: network,
			In:  []string{"./framework/expect", "./framework/accesslog", "./framework/hop", "./framework/wait", "./framework/manifest/...", "./framework/pki", "./framework/trace", "./framework/config"},
			Why: "the pure rooms ask nothing of a network",
		},
		{
			Name: "retired words", In: retiredWordScope().packages, Except: []string{"./internal/archtest"}, Tests: true,
			Find: retiredWords, Why: retiredWordsWhy,
		},
	}
}
