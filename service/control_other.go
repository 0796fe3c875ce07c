//go:build !linux && !darwin && !windows

package service

import "context"

// Install does nothing on this system.
func Install(context.Context, Setup) ([]string, error) { return nil, ErrUnsupported }

// Uninstall does nothing on this system.
func Uninstall(context.Context, string) ([]string, error) { return nil, ErrUnsupported }

// Start does nothing on this system.
func Start(context.Context, string) error { return ErrUnsupported }

// Stop does nothing on this system.
func Stop(context.Context, string) error { return ErrUnsupported }

// Query does nothing on this system.
func Query(context.Context, string) (State, error) { return State{}, ErrUnsupported }
