//go:build !linux

package watcher

// WatchLimits knows of none on this system.
func WatchLimits() (watches, instances int, ok bool) { return 0, 0, false }

func knownLimit(error, bool) (sentence string, ok bool) { return "", false }
