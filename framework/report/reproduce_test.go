package report_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

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
