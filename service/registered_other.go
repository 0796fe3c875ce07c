//go:build !windows

package service

import "context"

// StopAll does nothing on this system: packages replace a program that runs.
func StopAll(context.Context) ([]string, error) { return nil, ErrUnsupported }

// TakenAway knows nothing on this system: packages have their own means.
func TakenAway(string) (bool, error) { return false, ErrUnsupported }

// StartAgain does nothing on this system.
func StartAgain(context.Context) ([]string, error) { return nil, ErrUnsupported }

// UninstallAll does nothing on this system.
func UninstallAll(context.Context) ([]string, error) { return nil, ErrUnsupported }

// UndoInstall does nothing on this system.
func UndoInstall(context.Context, string) ([]string, error) { return nil, ErrUnsupported }
