package syncer

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// Before a file goes that has to be the last, its directory is looked through once more: hints may be late or lost, and a
// file that nobody has told of would be left behind. What is in or below the directory has to be at the destination.

// surveyStore is what a survey needs of the state.
type surveyStore interface {
	WalkBelow(ctx context.Context, folder string, dir file.Path) iter.Seq2[state.Record, error]
	Intent(ctx context.Context, id string) (state.Intent, bool, error)
}

// survey looks for what is not at a destination, and a file waits for that goes last. Files that nobody has planned are
// looked at by the folder's watcher then.
type survey struct {
	store       surveyStore
	folder      *Folder
	destination string
	last        seat
	planner     *Planner // may be nil
}

// maxHints bounds how many files one survey has looked at again.
const maxHints = 1000

// run returns what the file waits for, nil where everything is there.
func (s *survey) run(ctx context.Context) (*Obstacle, error) {
	if s.folder.Survey == nil {
		return nil, nil
	}
	dir := s.last.path.Dir()
	known, stop := iter.Pull2(s.folder.places().all(s.store.WalkBelow(ctx, s.folder.Name, dir)))
	defer stop()
	record, err, more := known()
	var found *Obstacle
	hints := 0
	walked := s.folder.Survey(ctx, dir, func(e watcher.Entry) bool {
		if e.Err != nil { // whatever it holds is not known
			found = &Obstacle{Rule: RuleLast, What: IsUnread, Path: e.Path, Detail: e.Err.Error()}
			return false
		}
		for more && err == nil && record.Path < e.Path {
			record, err, more = known()
		}
		if err != nil {
			return false
		}
		if !s.last.waitsFor(s.folder.Order.seat(e.Path, e.Fingerprint)) {
			return true
		}
		var of state.Record
		if more && record.Path == e.Path {
			of = record
		}
		there, open := hasVersion(of, s.destination, e.Fingerprint)
		if there {
			return true
		}
		var waits bool
		if waits, err = s.waitsForOurs(ctx, e.Path); waits || err != nil {
			return err == nil
		}
		if open == nil {
			s.folder.Hint(e.Path)
			hints++
		}
		if found == nil {
			found = &Obstacle{Rule: RuleLast, What: IsNew, Path: e.Path}
			if open != nil {
				found = obstacleOf(RuleLast, open)
			}
		}
		return hints < maxHints
	})
	switch {
	case err != nil:
		return nil, err
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case found == nil && walked != nil:
		return &Obstacle{Rule: RuleLast, What: IsUnread, Path: dir, Detail: walked.Error()}, nil
	}
	return found, nil
}

// hasVersion tells whether a destination has a version of a file, or is not to have it. open is what is under way for it.
func hasVersion(r state.Record, destination string, f file.Fingerprint) (there bool, open *state.Intent) {
	open = openOf(r, destination)
	if open != nil {
		switch open.Phase {
		case state.Delivered, state.Cancelled:
			if isOf(open, f) {
				return true, nil
			}
		default:
			return false, open
		}
	}
	k := knownOf(r, destination)
	return k != nil && k.Fingerprint.SameFile(f), nil
}

// waitsForOurs tells whether a file cannot even be planned before one that goes last is at the destination: they want the
// same name there. Two that waited for each other would wait for ever.
func (s *survey) waitsForOurs(ctx context.Context, p file.Path) (bool, error) {
	if s.planner == nil {
		return false, nil
	}
	id := s.planner.deferredBehind(p)
	if id == "" {
		return false, nil
	}
	in, found, err := s.store.Intent(ctx, id)
	return found && s.folder.Order.seatOf(&in).last(), err
}

// surveys lets one look at a directory serve all files that wait for it.
type surveys struct {
	mu   sync.Mutex
	last map[surveyKey]*surveyed
}

type surveyKey struct {
	folder string
	dir    file.Path
	kind   int
}

// surveyed is a survey that is under way, or has ended.
type surveyed struct {
	began time.Time
	done  chan struct{}
	found *Obstacle
	err   error
}

// maxSurveys is how many surveys are remembered.
const maxSurveys = 1024

// of returns what a survey has found that began after since: there may be one.
func (s *surveys) of(ctx context.Context, key surveyKey, since time.Time, run func() (*Obstacle, error)) (*Obstacle, error) {
	s.mu.Lock()
	at := s.last[key]
	if at != nil && !at.began.Before(since) {
		s.mu.Unlock()
		select {
		case <-at.done:
			return at.found, at.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if s.last == nil || len(s.last) >= maxSurveys {
		s.last = map[surveyKey]*surveyed{} // who waits for one of them holds it
	}
	at = &surveyed{began: time.Now(), done: make(chan struct{})}
	s.last[key] = at
	s.mu.Unlock()
	at.found, at.err = run()
	close(at.done)
	return at.found, at.err
}
