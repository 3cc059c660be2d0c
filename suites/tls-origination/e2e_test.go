package tlsorigination

import (
	"os"
	"testing"

	"meshgate/framework/suite"
)

func TestMain(m *testing.M) { os.Exit(suite.Main(m, Suite())) }
