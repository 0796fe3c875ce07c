//go:build !windows

package service

// WantsPassword tells whether the service manager wants the password of the account that a service is to run as.
func WantsPassword(string, string) bool { return false }
