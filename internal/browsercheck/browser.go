package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// browsers are names that Chromium and its kin go by.
func browsers() []string {
	return []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"}
}

func names() string { return strings.Join(browsers(), ", ") }

// find gives the browser that was asked for, or the first that there is.
func find(wanted string, look func(string) (string, error)) (string, error) {
	if wanted != "" {
		return look(wanted)
	}
	for _, name := range browsers() {
		if path, err := look(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no browser: want one of %s in PATH, or --browser; on Debian: apt-get install chromium", names())
}

// browser is Chromium, spoken to in its DevTools protocol over a pair of pipes:
// messages are JSON, each with a NUL at its end.
type browser struct {
	in      *os.File
	out     *bufio.Reader
	process *exec.Cmd
	errors  *bytes.Buffer
	last    int
	session string
	// events are those that came since they were last taken.
	events []event
}

type event struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// start runs the browser until close, or until ctx is done, and opens a tab.
func start(ctx context.Context, path, profile string) (*browser, error) {
	commands, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, answers, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	args := []string{"--headless", "--remote-debugging-pipe", "--user-data-dir=" + profile, "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars=false"}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // its sandbox wants another user
	}
	b := &browser{in: in, out: bufio.NewReaderSize(out, 1<<20), errors: &bytes.Buffer{}, process: exec.CommandContext(ctx, path, args...)}
	b.process.ExtraFiles = []*os.File{commands, answers} // file descriptors 3 and 4
	b.process.Stderr = b.errors
	if err := b.process.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	_, _ = commands.Close(), answers.Close() // the browser's ends
	if err := b.tab(); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *browser) tab() error {
	var target struct{ TargetID string }
	if err := b.call("Target.createTarget", params{"url": "about:blank"}, &target); err != nil {
		return err
	}
	var attached struct{ SessionID string }
	if err := b.call("Target.attachToTarget", params{"targetId": target.TargetID, "flatten": true}, &attached); err != nil {
		return err
	}
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Log", "Runtime", "Network"} {
		if err := b.call(domain+".enable", nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// close asks the browser to end, and sees it gone.
func (b *browser) close() error {
	b.session = ""
	_ = b.call("Browser.close", nil, nil) // it may be gone before it answers
	_ = b.in.Close()
	err := b.process.Wait()
	if err != nil {
		return fmt.Errorf("browser: %w: %s", err, tail(b.errors.String()))
	}
	return nil
}

type params map[string]any

// call asks and waits for the answer; events that come meanwhile are kept.
func (b *browser) call(method string, p params, result any) error {
	b.last++
	message := params{"id": b.last, "method": method}
	if p != nil {
		message["params"] = p
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	data, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if _, err := b.in.Write(append(data, 0)); err != nil {
		return fmt.Errorf("%s: %w: %s", method, err, tail(b.errors.String()))
	}
	for {
		a, err := b.read()
		if err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		if a.ID != b.last {
			continue
		}
		if a.Error != nil {
			return fmt.Errorf("%s: %s", method, a.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(a.Result, result)
	}
}

type answer struct {
	ID     int
	Result json.RawMessage
	Error  *struct{ Message string }
}

// read takes one message; an event is kept and gives an answer to nothing.
func (b *browser) read() (answer, error) {
	data, err := b.out.ReadBytes(0)
	if err != nil {
		return answer{}, fmt.Errorf("the browser is gone: %w: %s", err, tail(b.errors.String()))
	}
	data = bytes.TrimSuffix(data, []byte{0})
	var e event
	if err := json.Unmarshal(data, &e); err != nil {
		return answer{}, err
	}
	if e.Method != "" {
		b.events = append(b.events, e)
		return answer{}, nil
	}
	var a answer
	err = json.Unmarshal(data, &a)
	return a, err
}

// await takes messages until there is an event of that name.
func (b *browser) await(method string) error {
	for {
		for _, e := range b.events {
			if e.Method == method {
				return nil
			}
		}
		if _, err := b.read(); err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
	}
}

func tail(s string) string {
	const most = 500
	return s[max(0, len(s)-most):]
}
