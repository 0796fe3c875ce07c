//go:build !linux

package e2e

// mountTemporary mounts nothing here.
func mountTemporary(string) bool { return false }

func unmountTemporary(string) {}
