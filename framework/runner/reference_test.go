package runner

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"meshgate/framework/suite"
)

func TestReferenceNamesThePageAndTheFeaturesHeading(t *testing.T) {
	f := suite.Feature{Name: "HTTPSRedirect", Spec: "docs/spec/basic-gateway.md"}
	assert.Equal(t, "docs/spec/basic-gateway.md#httpsredirect", Reference(f))
}
