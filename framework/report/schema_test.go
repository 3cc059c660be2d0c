package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"meshgate/framework/report"
	"meshgate/framework/report/reporttest"
)

// compiled is the published schema, which package internal/gen holds against the types.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := os.ReadFile("../../docs/report.schema.json")
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("report.json", doc))
	s, err := c.Compile("report.json")
	require.NoError(t, err)
	return s
}

func TestReportsFollowTheSchema(t *testing.T) {
	s := compiled(t)
	for name, run := range map[string]report.Run{
		"sample": reporttest.Judged(), "hostile": reporttest.Hostile(), "merged": report.Merge(reporttest.Judged(), reporttest.Sample()), "nothing": report.Merge(),
	} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(encode(t, run)))
		require.NoError(t, err, name)
		require.NoError(t, s.Validate(doc), name)
	}
}

// TestSchemaRefuses shows that the schema is no rubber stamp.
func TestSchemaRefuses(t *testing.T) {
	s := compiled(t)
	for name, spoil := range map[string]func(map[string]any){
		"another version":     func(d map[string]any) { d["schema"] = "meshgate.report/v2" },
		"no suites":           func(d map[string]any) { delete(d, "suites") },
		"suites null":         func(d map[string]any) { d["suites"] = nil },
		"an unknown outcome":  func(d map[string]any) { d["verdict"].(map[string]any)["outcome"] = "fine" },
		"a start that is not": func(d map[string]any) { d["started"] = "yesterday" },
		"seconds as text": func(d map[string]any) {
			d["suites"].([]any)[0].(map[string]any)["tookSeconds"] = "3s"
		},
	} {
		var doc map[string]any
		require.NoError(t, json.Unmarshal([]byte(encode(t, reporttest.Judged())), &doc))
		spoil(doc)
		assert.Error(t, s.Validate(doc), name)
	}
}
