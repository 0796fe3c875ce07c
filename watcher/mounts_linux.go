package watcher

import (
	"os"
	"path/filepath"
)

// readMounts returns what is mounted below root.
func readMounts(root string) (mountTable, error) {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMounts(string(text), real), nil
}
