package agent

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dropferry/dropferry/state"
)

// An agent that starts while a command has the store waits until that is done, and says so once.
func TestOpenStoreWaitsForACommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	held, err := state.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	s, err := openStore(t.Context(), dir, time.Minute, func(why error) {
		told++
		if !errors.Is(why, state.ErrLocked) {
			t.Errorf("it is told of %v", why)
		}
		if err := held.Close(); err != nil {
			t.Error(err)
		}
	})
	if err != nil || told != 1 {
		t.Fatalf("%v; told %d times", err, told)
	}
	// Who stays is not waited for for ever, and whoever has no patience hears at once.
	if _, err := openStore(t.Context(), dir, 2*heldLook, func(error) { told++ }); !errors.Is(err, state.ErrLocked) || told != 2 {
		t.Errorf("%v; told %d times", err, told)
	}
	if _, err := openStore(t.Context(), dir, 0, func(error) { told++ }); !errors.Is(err, state.ErrLocked) || told != 2 {
		t.Errorf("without patience: %v; told %d times", err, told)
	}
	ctx, stop := context.WithCancel(t.Context())
	if _, err := openStore(ctx, dir, time.Hour, func(error) { stop() }); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped meanwhile: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
