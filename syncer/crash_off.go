//go:build !crashtest

package syncer

// crashpoint marks a place where a test build kills the process.
func crashpoint(string) {}
