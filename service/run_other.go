//go:build !windows

package service

import "context"

// Run runs work as the service of that name. What the system starts here is a program like any other.
func Run(ctx context.Context, _ string, work Work) error { return Foreground(ctx, work) }
