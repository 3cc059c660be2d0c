package html_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/report"
)

// TestContrast is that of WCAG's level AA, of every colour of a text on every ground.
func TestContrast(t *testing.T) {
	css := with(elements(t, htmlOf(t, report.Run{})), "style", "")[0].text
	light, dark, ok := strings.Cut(css, "prefers-color-scheme: dark")
	require.True(t, ok)
	for name, part := range map[string]string{"light": light, "dark": dark} {
		vars := map[string]string{}
		for _, m := range regexp.MustCompile(`--(\w+): #(\w{6})`).FindAllStringSubmatch(part, -1) {
			vars[m[1]] = m[2]
		}
		for _, text := range []string{"text", "muted", "link", "pass", "fail", "error", "inconclusive", "skip"} {
			for _, ground := range []string{"ground", "panel", "band"} {
				assert.GreaterOrEqual(t, contrast(t, vars[text], vars[ground]), 4.5, "%s: %s on %s", name, text, ground)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(colour, 16, 32)
	require.NoError(t, err)
	channel := func(shift int) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

// TestTagsAreClosed: browsers forgive what is not; the templates have no excuse.
func TestTagsAreClosed(t *testing.T) {
	_, body, ok := strings.Cut(htmlOf(t, fullRun()), "<body>")
	require.True(t, ok)
	body = strings.NewReplacer(" open>", ">", " checked/>", "/>").Replace(body)
	d := xml.NewDecoder(strings.NewReader("<body>" + strings.TrimSuffix(strings.TrimSpace(body), "</html>")))
	d.Entity = xml.HTMLEntity
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}
