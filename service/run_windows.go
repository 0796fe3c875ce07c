package service

import "context"

// Run runs work as the service of that name.
func Run(ctx context.Context, _ string, work Work) error { return work(ctx, Nobody{}) }
