package headerrouting

import (
	"os"
	"testing"

	"meshgate/framework/runner"
)

func TestMain(m *testing.M) { os.Exit(runner.Main(m, Suite())) }
