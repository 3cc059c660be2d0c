package progress_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"meshgate/framework/progress"
)

// heard is a phase that records the states passed to Show.
type heard struct {
	progress.Phase
	said []progress.State
}

func (h *heard) Show(s progress.State) { h.said = append(h.said, s) }

func TestGroupShowsTheLongestWaiterAndCountsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &heard{}
		g := progress.NewGroup(h)
		began := time.Now()
		g.Waiting("dns", errors.New("CoreDNS: 0 of 2"))
		after(time.Second)
		g.Waiting("cni", errors.New("Calico: 0 of 1"))
		g.Waiting("dns", errors.New("CoreDNS: 1 of 2"))
		g.Done("3 of 5")
		g.Waiting("dns", nil)
		g.Waiting("cni", nil)
		assert.Equal(t, []progress.State{
			{Object: "CoreDNS: 0 of 2", Since: began},
			{Object: "CoreDNS: 0 of 2", Since: began, More: 1},
			{Object: "CoreDNS: 1 of 2", Since: began, More: 1},
			{Done: "3 of 5", Object: "CoreDNS: 1 of 2", Since: began, More: 1},
			{Done: "3 of 5", Object: "Calico: 0 of 1", Since: began.Add(time.Second)},
			{Done: "3 of 5"},
		}, h.said)
	})
}
