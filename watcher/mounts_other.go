//go:build !linux

package watcher

// readMounts knows of none: there is no cheap way to ask.
func readMounts(string) (mountTable, error) { return nil, nil }

// mountEvents tells of no changes.
type mountEvents struct{}

func openMountEvents() *mountEvents { return nil }
func (*mountEvents) changed() bool  { return false }
func (*mountEvents) close()         {}
