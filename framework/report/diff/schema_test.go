package diff

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"meshgate/framework/report"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// compiled is the published schema, which package internal/gen holds against the types.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := os.ReadFile("../../../docs/diff.schema.json")
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("diff.json", doc))
	s, err := c.Compile("diff.json")
	require.NoError(t, err)
	return s
}

// eventful is a comparison that has something of everything.
func eventful() Diff {
	a := run("a", feature("F", step("x", time.Second), step("gone", time.Second)), feature("G", failing("x", "200", "503")), feature("H", step("x", time.Second)))
	b := broke(run("b", feature("F", failing("x", "200", "404")), feature("G", step("x", time.Second)), feature("H", step("x", time.Minute)), feature("New", step("x", time.Second))))
	b.Facts.Mesh.Version = "1.31.1"
	return Compare(a, b)
}

func TestComparisonsFollowTheSchema(t *testing.T) {
	s := compiled(t)
	soaks := Compare(soaked("a", 10, time.Second, 2*time.Second), soaked("b", 10, 3*time.Second, 4*time.Second))
	require.NotEmpty(t, soaks.Times.Soaks)
	for name, d := range map[string]Diff{
		"eventful": eventful(), "times": Compare(timedRun("a", 20, 1), timedRun("b", 20, 2)), "soaks": soaks, "nothing": Compare(report.Run{}, report.Run{}),
	} {
		data, err := Encode(d)
		require.NoError(t, err, name)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		require.NoError(t, err, name)
		require.NoError(t, s.Validate(doc), name)
	}
}

func TestTheSchemaRefusesWhatIsNoComparison(t *testing.T) {
	s := compiled(t)
	for name, spoil := range map[string]func(map[string]any){
		"another version":    func(d map[string]any) { d["schema"] = "meshgate.report/v1" },
		"no verdict":         func(d map[string]any) { delete(d["a"].(map[string]any), "outcome") },
		"an unknown outcome": func(d map[string]any) { d["b"].(map[string]any)["outcome"] = "fine" },
		"worse null":         func(d map[string]any) { d["worse"] = nil },
		"a nameless feature": func(d map[string]any) { delete(d["features"].([]any)[0].(map[string]any), "suite") },
		"a failure as text":  func(d map[string]any) { d["failures"].([]any)[0].(map[string]any)["was"] = "503" },
		"an unknown measure": func(d map[string]any) {
			d["times"].(map[string]any)["steps"].([]any)[0].(map[string]any)["measure"] = "felt"
		},
	} {
		data, err := Encode(eventful())
		require.NoError(t, err)
		var doc map[string]any
		require.NoError(t, json.Unmarshal(data, &doc))
		require.NoError(t, s.Validate(doc), name)
		spoil(doc)
		assert.Error(t, s.Validate(doc), name)
	}
}
