package report_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/report"
)

func TestReproduceIsTheCommandForAShell(t *testing.T) {
	two := []report.Suite{{Name: "basic-gateway"}, {Name: "mongo-egress"}}
	for want, run := range map[string]report.Run{
		"":                                    {},
		"bin/meshgate run --suite=a,b":        {Command: []string{"bin/meshgate", "run", "--suite=a,b"}},
		"meshgate run --feature '^(A|B)$' ''": {Command: []string{"meshgate", "run", "--feature", "^(A|B)$", ""}},
		`meshgate run --mesh-values '{a: '\''$(x)'\''}'`: {Command: []string{"meshgate", "run", "--mesh-values", "{a: '$(x)'}"}},
		"go test -count=1 -timeout=30m -run=X ./suites/basic-gateway ./suites/mongo-egress -args --feature CORS": {Suites: two,
			Command: []string{"/gone/b001/basic-gateway.test", "-test.paniconexit0", "-test.timeout=30m", "-test.run=X", "--feature", "CORS"}},
		"go test -count=1 ./suites/mongo-egress": {Command: []string{"/gone/b001/mongo-egress.test"}},
	} {
		assert.Equal(t, want, run.Reproduce())
	}
}

func TestWhatIsQuotedIsOneWordToAShell(t *testing.T) {
	for _, word := range []string{"plain", "two words", "it's", "$(id)", "`id`", "a\nb", `back\slash`, "*", "~", "&;|<>"} {
		run := report.Run{Command: []string{"printf", "%s", word}}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", run.Reproduce()).Output()
		require.NoError(t, err, strings.TrimSpace(word))
		assert.Equal(t, word, string(out))
	}
}
