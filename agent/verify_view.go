package agent

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dropferry/dropferry/bandwidth"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

const (
	statsAtOnce = 64 // requests in flight
	readsAtOnce = 8  // files that are read, at the server or here; each takes 2 MiB at most
)

// verifyView is a destination that is only looked at.
type verifyView struct {
	config      *config.Config
	store       *state.Store
	destination string
	limits      *bandwidth.Limits
	session     *remote.Session // nil until it is needed, and where there is none
	failed      error           // why there is none, for good
	stats       chan struct{}
	reads       chan struct{}
	alone       sync.RWMutex // held for writing where a server may allow no second open file

	try    sync.Once   // of a hash command that was never proved here
	noHash atomic.Bool // it does not work, or does not see the files that SFTP shows
}

// view returns the view of a destination, one for all its routes.
func (v *verifier) view(destination string) *verifyView {
	if v.views[destination] == nil {
		v.views[destination] = &verifyView{
			config: v.config, store: v.store, destination: destination, limits: v.limits,
			stats: make(chan struct{}, statsAtOnce), reads: make(chan struct{}, readsAtOnce),
		}
	}
	return v.views[destination]
}

func (w *verifyView) close() {
	if w.session != nil {
		w.session.Close()
	}
}

// open returns the session, a new one where the last was lost. A destination that cannot be used stays so: a login that was
// refused is not tried again.
func (w *verifyView) open(ctx context.Context) (*remote.Session, error) {
	if w.failed != nil {
		return nil, w.failed
	}
	if w.session != nil && w.session.Err() == nil {
		return w.session, nil
	}
	w.close()
	w.session = nil
	s, err := w.dial(ctx)
	if err != nil {
		w.failed = err
		return nil, err
	}
	w.session = s
	return s, nil
}

func (w *verifyView) dial(ctx context.Context) (*remote.Session, error) {
	d, ok := w.config.Destination(w.destination)
	if !ok {
		return nil, fmt.Errorf("destination %s: %w", w.destination, ErrNoSuch)
	}
	if err := w.blocked(ctx, d); err != nil {
		return nil, err
	}
	s, err := remote.Dial(ctx, paced(targetOf(w.config, d), w.limits))
	if err != nil {
		return nil, err
	}
	if err := s.CheckRoot(ctx); err != nil { // or all files would count as missing
		s.Close()
		return nil, err
	}
	(&lookers{store: w.store}).recall(ctx, w.destination, s)
	return s, nil
}

// blocked returns the error of a destination whose login was refused before, with the same secret: it binds everybody.
func (w *verifyView) blocked(ctx context.Context, d *config.Destination) error {
	b, found, err := w.store.BlockOf(ctx, d.Name)
	if err != nil || !found || !syncer.StillBlocked(b, time.Now()) {
		return err
	}
	key, err := w.store.Meta(ctx, accountKey)
	if err != nil || b.Secret != fingerprintOf([]byte(key), w.config, d) {
		return err
	}
	return syncer.BlockedLogin(b)
}
