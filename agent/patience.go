package agent

import (
	"context"
	"errors"
	"time"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/state"
)

// heldLook is how often it is looked whether the state directory is free: nobody tells.
const heldLook = 100 * time.Millisecond

// openStore opens the store of an agent. Who holds it for a moment, as commands do where no agent runs, is waited for, and waits hears of
// it once; another agent, which answers on the directory, is not, and is state.ErrLocked at once.
func openStore(ctx context.Context, dir string, patience time.Duration, waits func(held error)) (*state.Store, error) {
	deadline := time.Now().Add(patience)
	told := false
	for {
		store, err := state.Open(ctx, dir)
		if !errors.Is(err, state.ErrLocked) || !time.Now().Before(deadline) || agentAnswers(ctx, dir) {
			return store, err
		}
		if !told {
			told = true
			waits(err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(heldLook):
		}
	}
}

func agentAnswers(ctx context.Context, dir string) bool {
	_, err := control.Dial(ctx, dir)
	return err == nil
}
