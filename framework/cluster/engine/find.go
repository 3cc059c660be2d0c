package engine

import (
	"os"
	"path/filepath"
	"slices"
)

// systemDirs are searched after PATH, which for cron jobs and services often
// lacks the administrator's folders.
func systemDirs() []string {
	return []string{"/usr/bin", "/usr/local/bin", "/usr/sbin", "/usr/local/sbin", "/bin", "/sbin"}
}

// Find implements Runner.
func (Commands) Find(name string) []string {
	var found []string
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), systemDirs()...) {
		file := filepath.Join(dir, name)
		if !filepath.IsAbs(file) || !executable(file) || slices.ContainsFunc(found, same(file)) {
			continue
		}
		found = append(found, file)
	}
	return found
}

func executable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

// same says whether two paths are one file: /bin is often a link to /usr/bin.
func same(file string) func(string) bool {
	info, err := os.Stat(file)
	return func(other string) bool {
		o, oerr := os.Stat(other)
		return err == nil && oerr == nil && os.SameFile(info, o)
	}
}
