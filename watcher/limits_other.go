//go:build !linux

package watcher

func knownLimit(error, bool) (sentence string, ok bool) { return "", false }
