//go:build !linux

package watcher

func (d *dir) look() (rootLook, error) { return d.plainLook() }
