package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"meshgate/framework/printable"
)

// Encode gives the run as the JSON document of Schema, indented. What is not
// printable is written as \u escapes, so that showing the file on a terminal
// does nothing but show it; a reader of JSON gets the text back unchanged.
func Encode(run Run) ([]byte, error) {
	run = run.normal()
	run.SchemaVersion = Schema
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(run); err != nil {
		return nil, fmt.Errorf("report %s: cannot be encoded: %w", run.ID, err)
	}
	return printable.JSON(b.Bytes()), nil
}

// Decode reads a document that Encode wrote, of this or of a newer meshgate
// with the same schema.
func Decode(data []byte) (Run, error) {
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Run{}, syntaxError(data, err)
	}
	if head.Schema != Schema {
		return Run{}, schemaError(head.Schema)
	}
	var run Run
	if err := json.Unmarshal(data, &run); err != nil {
		return Run{}, fmt.Errorf("not a valid %s document: %w", Schema, err)
	}
	return run, nil
}

// Read decodes the report in a file.
func Read(path string) (Run, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Run{}, readError(path, err)
	}
	run, err := Decode(data)
	if err != nil {
		return Run{}, fmt.Errorf("report %s: %w", path, err)
	}
	return run, nil
}
