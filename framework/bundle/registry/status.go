package registry

import (
	"errors"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// status is the HTTP status that err is about, or 0.
func status(err error) int {
	var t *transport.Error
	if errors.As(err, &t) {
		return t.StatusCode
	}
	return 0
}

// notHere tells whether another place may have what this one has not; some
// registries say "not allowed" of what they do not know.
func notHere(err error) bool {
	switch status(err) {
	case 401, 403, 404:
		return true
	}
	return false
}
