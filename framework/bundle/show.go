package bundle

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"meshgate/framework/progress"
)

// ShowList writes what `meshgate bundle list` prints: a table of what the bundle
// in dir (empty means DefaultDir) holds, then what is not what its name says.
func ShowList(w io.Writer, dir string) error {
	b, err := Open(dir)
	if err != nil {
		return err
	}
	defer b.Close()
	return show(w, b.lock, "bundle "+b.store.dir)
}

// ShowVerify is `meshgate bundle verify`: it reads every blob and says so.
func ShowVerify(ctx context.Context, w io.Writer, dir string, log progress.Log) error {
	b, err := Open(dir)
	if err != nil {
		return err
	}
	defer b.Close()
	phase := log.Begin("bundle verify")
	err = b.Verify(ctx, phase)
	phase.End(err)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s: all digests of %d artefacts are right (%s)\n", b.store.dir, len(b.lock.Entries), bytesText(b.size()))
	return err
}

// ShowSave is `meshgate bundle save FILE [COMPONENT…]`.
func ShowSave(ctx context.Context, w io.Writer, dir, path string, log progress.Log, components ...string) error {
	b, err := Open(dir)
	if err != nil {
		return err
	}
	defer b.Close()
	phase := log.Begin("bundle save")
	err = b.save(ctx, path, components, phase)
	phase.End(err)
	if err != nil {
		return err
	}
	size := int64(0)
	if info, err := os.Stat(path); err == nil {
		size = info.Size()
	}
	return show(w, b.lock.only(components), fmt.Sprintf("saved to %s (%s)", path, bytesText(size)))
}

// ShowLoad is `meshgate bundle load FILE`.
func ShowLoad(ctx context.Context, w io.Writer, path, dir string, log progress.Log) error {
	phase := log.Begin("bundle load")
	l, err := loadArchive(ctx, path, dir, phase)
	phase.End(err)
	if err != nil {
		return err
	}
	return show(w, l, "loaded from "+path)
}

// Substitutions are the lines about what is not the build its name says, for
// reports and lists.
func (l Lock) Substitutions() []string {
	var out []string
	for _, e := range l.Entries {
		if e.Contains != "" {
			out = append(out, e.Name+" contains "+e.Contains)
		}
	}
	return out
}

// size is what the blobs of the lock take, each counted once.
func (b *Bundle) size() int64 {
	var n int64
	seen := map[string]bool{}
	for _, e := range b.lock.Entries {
		blobs, err := b.store.blobsOf(e)
		if err != nil {
			continue // Verify's to tell
		}
		for _, d := range blobs {
			if !seen[d.Digest.Hex] {
				n += d.Size
			}
			seen[d.Digest.Hex] = true
		}
	}
	return n
}

func show(w io.Writer, l Lock, title string) error {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.SetTitle(title)
	t.AppendHeader(table.Row{"COMPONENT", "NAME", "VERSION", "SOURCE", "DIGEST", "SIZE"})
	for _, e := range l.Entries {
		t.AppendRow(table.Row{e.Component, e.Name, e.Version, e.Source, shortDigest(e.Digest), bytesText(e.Size)})
	}
	var lines []string
	for _, s := range l.Substitutions() {
		lines = append(lines, "  "+s)
	}
	for _, s := range l.Spared {
		lines = append(lines, "  "+s.Component+" is not needed: "+s.Reason)
	}
	text := t.Render() + "\n"
	if len(lines) > 0 {
		text += strings.Join(lines, "\n") + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// shortDigest is as much of a digest as people compare.
func shortDigest(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return hex[:min(12, len(hex))]
}
