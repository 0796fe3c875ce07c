//go:build !windows

package watcher

import (
	"testing"

	"golang.org/x/sys/unix"
)

func makeFIFO(t *testing.T, name string) {
	t.Helper()
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
}
