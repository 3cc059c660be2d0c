package shell

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPlainWordsStayAsTheyAre(t *testing.T) {
	assert.Equal(t, `curl -v --connect-to h:443:192.0.2.1:30443 'https://h/?a=b&c' ''`,
		Join("curl", "-v", "--connect-to", "h:443:192.0.2.1:30443", "https://h/?a=b&c", ""))
}

func TestWhatIsQuotedIsOneWordToAShell(t *testing.T) {
	words := []string{"plain", "two words", "it's", "''", "$(id)", "`id`", "a\nb", `back\slash`, "*", "~", "&;|<>", "", "\x1b\xff", "!x", "#"}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", Join(append([]string{"printf", `%s\0`}, words...)...)).Output()
	require.NoError(t, err)
	var want string
	for _, w := range words {
		want += w + "\x00"
	}
	assert.Equal(t, want, string(out))
}
