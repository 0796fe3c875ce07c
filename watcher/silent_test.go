package watcher

import (
	"errors"
	"slices"
	"sync"
)

// silent is a notifier that tells nothing, and refuses to watch what it is told to refuse.
type silent struct {
	mu      sync.Mutex
	refused []string // full paths
}

func (s *silent) recursive() bool { return false }

func (s *silent) add(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.refused, name) {
		return errors.New("no room")
	}
	return nil
}

func (s *silent) remove(string) {}
func (s *silent) close() error  { return nil }
