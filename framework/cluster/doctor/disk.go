package doctor

import (
	"fmt"

	"meshgate/framework/machine"
)

// checkDisks checks the file systems of the cache and of the engine. If both are the same, it
// must have room for both.
func checkDisks(cacheDir, engineRoot string, n Needs) ([]Finding, error) {
	cache, err := machine.DiskAt(cacheDir)
	if err != nil {
		return nil, err
	}
	data, err := machine.DiskAt(engineRoot)
	if err != nil {
		return nil, err
	}
	if cache.Device == data.Device {
		return []Finding{disk("disk for cache and engine", cache, n.CacheDisk+n.EngineDisk)}, nil
	}
	return []Finding{disk("disk for the cache", cache, n.CacheDisk), disk("disk for the engine", data, n.EngineDisk)}, nil
}

func disk(name string, d machine.Disk, want int64) Finding {
	f := Finding{
		Name: name, OK: d.Free >= want,
		Saw: fmt.Sprintf("%s free at %s", size(d.Free), d.Path), Want: "at least " + size(want) + " free",
	}
	if !f.OK {
		f.Fix = "free some there (`go clean -cache`, `docker image prune`), or move the cache with XDG_CACHE_HOME"
	}
	return f
}
