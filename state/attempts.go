package state

import (
	"context"
	"sync"
	"time"
)

// attempts holds the attempts that have begun and are not on record yet. Nothing depends on them before the write that
// ends the attempt, so they are recorded with it and cost no write of their own. What a crash loses is the count of
// attempts that had reached nothing.
type attempts struct {
	mu    sync.Mutex
	begun map[string]begun // by intent
}

type begun struct {
	n     int
	first time.Time
}

// Begin notes that an attempt at the intent starts. It is on record from the next Commit, Deliver or Fail of the intent
// on, or from Close; until then Intent.Attempts and StartedAt do not show it.
func (s *Store) Begin(_ context.Context, id string, at time.Time) error {
	if s.writer == nil {
		return s.fault("begin "+id, ErrReadOnly)
	}
	s.attempts.mu.Lock()
	defer s.attempts.mu.Unlock()
	b := s.attempts.begun[id]
	if b.n == 0 {
		b.first = at
	}
	b.n++
	if s.attempts.begun == nil {
		s.attempts.begun = map[string]begun{}
	}
	s.attempts.begun[id] = b
	return nil
}

func (a *attempts) of(id string) begun {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.begun[id]
}

// settled takes away what has been recorded; an attempt that has begun since stays.
func (a *attempts) settled(id string, recorded begun) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.begun[id]
	if b.n -= recorded.n; b.n <= 0 {
		delete(a.begun, id)
		return
	}
	a.begun[id] = b
}

func (a *attempts) forget(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.begun, id)
}

// flushAttempts records the attempts that Close has cut off.
func (s *Store) flushAttempts() error {
	s.attempts.mu.Lock()
	cut := s.attempts.begun
	s.attempts.begun = nil
	s.attempts.mu.Unlock()
	if len(cut) == 0 {
		return nil
	}
	return s.write(context.Background(), "record attempts", func(c *conn) error {
		for id, b := range cut {
			_, err := c.exec(`UPDATE intents SET attempts = attempts + ?,
				started_at = CASE started_at WHEN 0 THEN ? ELSE started_at END WHERE id = ?`, b.n, b.first, id)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
