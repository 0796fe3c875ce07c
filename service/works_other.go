//go:build !windows && !linux

package service

// WorksWith knows nothing on this system: names of services and configurations go together there.
func WorksWith(string) (name string, is bool) { return "", false }
