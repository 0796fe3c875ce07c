//go:build !windows

package service

// OpenEventLog returns ErrNoEventLog on this system.
func OpenEventLog(string) (Log, error) { return nil, ErrNoEventLog }
