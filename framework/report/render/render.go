// Package render writes a run in every form that meshgate knows: each package below it
// makes one form of the model in package report.
package render

import (
	"meshgate/framework/report"
	"meshgate/framework/report/render/html"
	"meshgate/framework/report/render/junit"
	"meshgate/framework/report/render/markdown"
	"meshgate/framework/report/render/metrics"
	"meshgate/framework/report/render/profile"
)

// Write puts the run into its folder below dir, as report.json and in every other form.
// It does what report.Write does, and returns the files that were written, report.json
// first.
func Write(dir string, run report.Run) (files []string, err error) {
	return report.Write(dir, run, outputs()...)
}

// outputs is the table of the files that a run leaves beside report.json.
func outputs() []report.Output {
	return []report.Output{
		{Name: report.FileJUnit, Encode: junit.Render},
		{Name: report.FileHTML, Encode: html.Render},
		{Name: report.FileMarkdown, Encode: markdown.Summary},
		{Name: report.FileProfile, Encode: profile.Render},
		{Name: report.FileMetrics, Encode: metrics.Render},
		{Name: report.FileMatrix, Encode: markdown.KillMatrix},
	}
}
