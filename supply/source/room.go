package source

import (
	"context"
	"fmt"
	"strings"

	"meshgate/framework/machine"
	"meshgate/supply/source/recipe"
	"meshgate/supply/toolrun"
)

// gibibyte is the unit in which recipes say how much room they need.
const gibibyte = 1 << 30

// room refuses a build that could fill a disk, before it begins. What is compiled
// already is not counted: a recipe says what it takes with empty caches.
func room(ctx context.Context, r *recipe.Recipe) error {
	if r.RoomGiB == 0 {
		return nil
	}
	out, err := toolrun.Run(ctx, toolrun.Command{Args: []string{"go", "env", "GOCACHE"}})
	if err != nil {
		return err
	}
	disk, err := machine.DiskAt(strings.TrimSpace(string(out)))
	if err != nil {
		return err
	}
	if disk.Free < int64(r.RoomGiB)*gibibyte {
		return fmt.Errorf("disk for a build of %s: want %d GiB free at %s, got %.1f GiB; free some (`go clean -cache`, `docker image prune`) or set GOCACHE to a folder on a larger one",
			r.Component, r.RoomGiB, disk.Path, float64(disk.Free)/gibibyte)
	}
	return nil
}
