package watcher

import "testing"

func makeFIFO(t *testing.T, _ string) {
	t.Helper()
	t.Skip("Windows has no FIFOs in directories")
}
