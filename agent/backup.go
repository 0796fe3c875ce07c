package agent

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/dropferry/dropferry/state"
)

const (
	// backupLook is how often a running agent looks whether a copy of its store is due.
	backupLook = time.Hour
	// onceBackup bounds what a copy may hold the end of a `once` up.
	onceBackup = time.Minute
)

// copier makes the daily copy of the store, and removes from it what is of no use any more. A failure is told once, and stops nothing.
type copier struct {
	store *state.Store
	log   *slog.Logger
	told  string // the failure that was told last
}

// run looks for what is due now and then until ctx ends, which interrupts a copy.
func (c *copier) run(ctx context.Context) {
	ticker := time.NewTicker(backupLook)
	defer ticker.Stop()
	for {
		c.copy(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (c *copier) copy(ctx context.Context) {
	if _, err := c.store.PruneIndexes(ctx, time.Now()); err != nil && !errors.Is(err, context.Canceled) {
		c.log.Warn("what files were made of was not removed from the state; it is tried again", "error", err)
	}
	name, err := c.store.Backup(ctx, time.Now())
	switch {
	case errors.Is(err, context.Canceled):
	case err != nil && err.Error() != c.told:
		c.told = err.Error()
		c.log.Warn("the state was not copied; it is tried again", "error", err)
	case err == nil:
		c.told = ""
		if name != "" {
			c.log.Info("the state was copied", "copy", name)
		}
	}
}
