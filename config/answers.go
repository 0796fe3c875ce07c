package config

import (
	"errors"
	"path/filepath"
	"sync"
	"time"
)

// A share that does not answer keeps whoever looks at it, for minutes or for good. It must not keep the configuration, which speaks
// of other things too: of such a path nothing is known but its name.

// answerTime is how long a file system is waited for.
const answerTime = 2 * time.Second

// errNoAnswer is of a file system that was waited for in vain.
var errNoAnswer = errors.New("its file system does not answer")

// answers are the looks that are under way, by what they look at: whoever wants to know the same waits for the same look, and for
// no longer than since that began.
type answers[T any] struct {
	look func(name string) (T, error)

	mu       sync.Mutex
	underWay map[string]*answer[T]
}

type answer[T any] struct {
	began time.Time
	done  chan struct{}
	value T
	err   error
}

// ask begins to look at names, for those who want to know soon.
func (a *answers[T]) ask(names ...string) {
	for _, name := range names {
		a.begin(name)
	}
}

func (a *answers[T]) begin(name string) *answer[T] {
	a.mu.Lock()
	defer a.mu.Unlock()
	if w := a.underWay[name]; w != nil {
		return w
	}
	if a.underWay == nil {
		a.underWay = map[string]*answer[T]{}
	}
	w := &answer[T]{began: time.Now(), done: make(chan struct{})}
	a.underWay[name] = w
	look := a.look
	go func() { // it ends when the file system answers: nothing else can end it
		w.value, w.err = look(name)
		a.mu.Lock()
		delete(a.underWay, name)
		a.mu.Unlock()
		close(w.done)
	}()
	return w
}

// of returns what a look shows, or errNoAnswer.
func (a *answers[T]) of(name string) (T, error) {
	w := a.begin(name)
	timer := time.NewTimer(time.Until(w.began.Add(answerTime)))
	defer timer.Stop()
	select {
	case <-w.done:
		return w.value, w.err
	case <-timer.C:
		var none T
		return none, errNoAnswer
	}
}

// Resolved returns a path without links. The file system is not waited for: where it does not answer soon, that is an error.
func Resolved(name string) (string, error) { return resolved.of(name) }

var (
	// resolved are paths without links.
	resolved = answers[string]{look: filepath.EvalSymlinks}
	// directories are what scans look at.
	directories = answers[struct{}]{look: func(name string) (struct{}, error) { return struct{}{}, checkDirectory(name) }}
)
