//go:build !unix

package bundle

func isReadOnly(error) bool { return false }
