package progress_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"meshgate/framework/progress"
)

// heard is a phase that keeps what it was told to show.
type heard struct {
	progress.Phase
	said []string
}

func (h *heard) Waiting(object string) { h.said = append(h.said, object) }

func TestAGroupShowsOneOfThoseThatWaitAndCountsTheOthers(t *testing.T) {
	h := &heard{}
	g := progress.NewGroup(h)
	g.Waiting("dns", errors.New("CoreDNS: 0 of 1"))
	g.Waiting("cni", errors.New("Calico: 0 of 1"))
	g.Waiting("cni", nil)
	g.Waiting("dns", nil)
	assert.Equal(t, []string{"CoreDNS: 0 of 1", "Calico: 0 of 1; and 1 more", "CoreDNS: 0 of 1"}, h.said)
}
