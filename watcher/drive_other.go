//go:build !windows

package watcher

// MappedDrive tells whether name lies on a drive letter that a person has mapped to a share: there are none here.
func MappedDrive(string) (unc string, mapped bool) { return "", false }

// PersonsDrive tells whether name lies on a drive letter that a person has mapped to a share: there are none here.
func PersonsDrive(string) (unc string, is bool) { return "", false }

// NoDrive tells whether name lies on a drive letter that this account does not have: there are none here.
func NoDrive(string) bool { return false }
