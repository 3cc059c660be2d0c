package defect

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/expect"
	"meshgate/framework/probe"
	"meshgate/framework/suite"
)

func TestCheckNamesTheNearestFeatureStepAndField(t *testing.T) {
	redirect := suite.Feature{Name: "HTTPSRedirect", Steps: []suite.Step{
		suite.Eventually("port 80 redirects", suite.Ask(probe.GET("http://a/"), expect.Status(301))),
	}}
	suites := []suite.Suite{{Name: "basic-gateway", Features: []suite.Feature{redirect}}}
	sees := func(feature, step, field string) error {
		return Check([]Defect{{Name: "redirect-302", Sees: []Seen{{Feature: feature, Step: step, Field: field}}}}, suites)
	}
	require.NoError(t, sees("basic-gateway/HTTPSRedirect", "port 80 redirects", "status"))
	assert.ErrorContains(t, sees("basic-gateway/HTTPRedirect", "port 80 redirects", "status"),
		`defect redirect-302: there is no feature basic-gateway/HTTPRedirect; the nearest there is: "basic-gateway/HTTPSRedirect"`)
	assert.ErrorContains(t, sees("basic-gateway/HTTPSRedirect", "port 8 redirects", "status"), `there is no step "port 8 redirects"; the nearest there is: "port 80 redirects"`)
	assert.ErrorContains(t, sees("basic-gateway/HTTPSRedirect", "port 80 redirects", "statos"), `the nearest there is: "status"`)
}
