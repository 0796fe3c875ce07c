package agent

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/state"
)

// TestACopyThatFailsIsToldOnce and again only when something else is wrong, or it was right between.
func TestACopyThatFailsIsToldOnce(t *testing.T) {
	dir := t.TempDir()
	store, err := state.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	var log bytes.Buffer
	c := &copier{store: store, log: slog.New(slog.NewTextHandler(&log, nil))}
	backups := filepath.Join(dir, "backups")
	for _, step := range []struct {
		fails bool
		told  int // so far
	}{{true, 1}, {true, 1}, {false, 1}, {true, 2}} {
		if err := os.RemoveAll(backups); err != nil {
			t.Fatal(err)
		}
		if step.fails {
			if err := os.WriteFile(backups, nil, 0o600); err != nil { // no directory
				t.Fatal(err)
			}
		}
		c.copy(t.Context())
		if got := strings.Count(log.String(), "level=WARN"); got != step.told {
			t.Errorf("told %d times, want %d:\n%s", got, step.told, log.String())
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	c.run(ended) // ends with its context
	if got := strings.Count(log.String(), "level=WARN"); got != 2 {
		t.Errorf("told %d times:\n%s", got, log.String())
	}
}
