//go:build !linux

package e2e

import "testing"

// mountTemporary mounts nothing here.
func mountTemporary(testing.TB, string) bool { return false }

func unmountTemporary(string) {}
