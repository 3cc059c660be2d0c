package report

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAClaimSaysWhatWasDeclaredAndWhatWasSeen(t *testing.T) {
	survived := Kill{By: Defective, Wrong: "redirect-302", Suite: "basic-gateway", Feature: "HTTPSRedirect", Step: "redirects", Field: "status", Outcome: Survived, Got: "green"}
	suites := Claims([]Kill{survived})
	require.Len(t, suites, 1)
	assert.Equal(t, "defect of basic-gateway", suites[0].Name)
	f := suites[0].Features[0]
	assert.Equal(t, "HTTPSRedirect: redirect-302", f.Name)
	status, cause := f.Judged()
	assert.Equal(t, Fail, status)
	assert.Equal(t, `survived: want red at "redirects" by "status", got green`, cause)
}
