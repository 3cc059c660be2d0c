package main

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// check looks at the page from inside; see the file.
//
//go:embed check.js
var check string

// view is how a page is looked at.
type view struct {
	scheme        string
	width, height int
	phone         bool
}

func views() []view {
	var out []view
	for _, scheme := range []string{"light", "dark"} {
		out = append(out, view{scheme, 1280, 900, false}, view{scheme, 390, 844, true})
	}
	return out
}

func checkAll(b *browser, o options, pages []sheet) error {
	var errs []error
	for _, p := range pages {
		for _, v := range views() {
			name := fmt.Sprintf("%s-%s-%d", p.name, v.scheme, v.width)
			opened, findings, err := b.look(p, v)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if opened > o.opens {
				findings = append(findings, fmt.Sprintf("opens in %s, want at most %s", opened, o.opens))
			}
			for _, f := range findings {
				errs = append(errs, fmt.Errorf("%s: %s", name, f))
			}
			fmt.Printf("%s: opened in %s, %d findings\n", name, opened.Round(time.Millisecond), len(findings))
			if o.out != "" {
				errs = append(errs, b.picture(filepath.Join(o.out, name+".png")))
			}
		}
	}
	return errors.Join(errs...)
}

// look opens the page and says what is wrong with it. The time is the browser's own,
// from the start of the navigation to the end of loading.
func (b *browser) look(p sheet, v view) (opened time.Duration, findings []string, err error) {
	features := []params{{"name": "prefers-color-scheme", "value": v.scheme}}
	b.events = nil
	err = errors.Join(
		b.call("Emulation.setDeviceMetricsOverride", params{"width": v.width, "height": v.height, "deviceScaleFactor": 1, "mobile": v.phone}, nil),
		b.call("Emulation.setEmulatedMedia", params{"features": features}, nil),
		b.call("Page.navigate", params{"url": "file://" + p.path}, nil))
	if err == nil {
		err = b.await("Page.loadEventFired")
	}
	if err != nil {
		return 0, nil, err
	}
	var seen struct {
		Millis   float64
		Findings []string
	}
	if err := b.evaluate(check, &seen); err != nil {
		return 0, nil, err
	}
	return time.Duration(seen.Millis * float64(time.Millisecond)), append(b.complaints(p), seen.Findings...), nil
}

// evaluate runs a script that gives a text of JSON.
func (b *browser) evaluate(script string, result any) error {
	var out struct {
		Result           struct{ Value string }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	if err := b.call("Runtime.evaluate", params{"expression": script}, &out); err != nil {
		return err
	}
	if out.ExceptionDetails != nil {
		return errors.New(out.ExceptionDetails.Exception.Description)
	}
	return json.Unmarshal([]byte(out.Result.Value), result)
}

// complaints are what the browser said of its own, and what was asked for in addition to the page.
func (b *browser) complaints(p sheet) []string {
	var out []string
	for _, e := range b.events {
		switch e.Method {
		case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown":
			out = append(out, "console: "+tail(string(e.Params)))
		case "Network.requestWillBeSent":
			var sent struct{ Request struct{ URL string } }
			if err := json.Unmarshal(e.Params, &sent); err != nil || sent.Request.URL != "file://"+p.path {
				out = append(out, "asks for "+sent.Request.URL)
			}
		}
	}
	return out
}

// picture writes the whole page as it is, as PNG.
func (b *browser) picture(path string) error {
	var shot struct{ Data string }
	if err := b.call("Page.captureScreenshot", params{"captureBeyondViewport": true}, &shot); err != nil {
		return err
	}
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
