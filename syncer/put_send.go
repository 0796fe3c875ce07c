package syncer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// begun waits for the stream's first byte or its end, as long as the session stands.
func (p *putting) begun(ctx context.Context, session Session) (bool, error) {
	ctx, stop := whileStanding(ctx, session)
	defer stop()
	some, err := p.window.Begun(ctx)
	if err != nil && session.Err() != nil {
		err = p.lost(session, "")
	}
	return some, err
}

// whileStanding returns a context that ends with the session too: a stream may say nothing for hours.
func whileStanding(ctx context.Context, session Session) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-ctx.Done():
		case <-session.Done():
			cancel()
		}
	})
	return ctx, func() {
		cancel()
		watching.Wait()
	}
}

func (p *putting) lost(session Session, name string) error {
	return &remote.Error{Op: "put", Destination: p.link.name, Path: name, Kind: remote.Transient, Err: session.Err()}
}

// send uploads the stream and records T2. After a cut it goes on from the last checkpoint, with what the window keeps.
func (p *putting) send(ctx context.Context, d *delivery) error {
	if err := d.store.Begin(ctx, d.intent.ID, d.began); err != nil {
		return err
	}
	d.tell(EventStarted)
	crashpoint("started")
	reading, stop := whileStanding(ctx, d.session)
	defer stop()
	d.sent, d.resumed = true, p.mark.Offset > 0
	sum, err := d.session.Upload(ctx, remote.Upload{
		Temp: d.intent.Temp, Size: remote.Unknown, Progress: d.progress(), From: p.mark, Careful: d.careful,
		Save: p.checkpoint, CheckpointBytes: streamCheckpoint, CheckpointEvery: p.CheckpointEvery,
	}, p.window.Reader(reading))
	if err != nil && errors.Is(err, context.Canceled) && ctx.Err() == nil {
		return p.lost(d.session, d.intent.Temp)
	}
	if err != nil {
		return err
	}
	crashpoint("uploaded")
	d.intent.Fingerprint = file.Fingerprint{Size: p.window.Total(), ModTime: d.now().UnixNano()}
	if err := p.Expect.meets(d.intent.Fingerprint.Size, sum); err != nil {
		return err
	}
	ok, err := p.Store.Measure(ctx, d.intent.ID, d.intent.Fingerprint)
	if err != nil {
		return err
	}
	if !ok {
		return errSuperseded
	}
	proof, err := d.verify(ctx, sum)
	if err != nil {
		return err
	}
	crashpoint("verified")
	return d.commit(ctx, proof)
}

// checkpoint lets the window go of what the server has.
func (p *putting) checkpoint(m remote.Mark) error {
	p.mark = m
	p.window.Release(m.Offset)
	p.progressed()
	crashpoint("checkpoint")
	return nil
}

// meets returns an error where something else was sent than was expected.
func (e *Expectation) meets(size int64, sum []byte) error {
	switch {
	case e.Size >= 0 && e.Size != size:
		return fmt.Errorf("%d bytes were read, %d expected: %w", size, e.Size, ErrUnexpected)
	case e.SHA256 != nil && !bytes.Equal(e.SHA256, sum):
		return fmt.Errorf("the SHA-256 of what was read is %x: %w", sum, ErrUnexpected)
	}
	return nil
}

// puttingStore is the store as a Put's delivery sees it.
type puttingStore struct {
	PutStore
	putting *putting
	// interrupted tells whether the Put is, also where mayStop has not been asked yet.
	interrupted func() error

	mu      sync.Mutex
	stopped bool
	visible bool // T2 was recorded, or is about to be
}

// LastPublished knows of nothing: a Put replaces nothing without being asked, not what an earlier one has put there
// either.
func (*puttingStore) LastPublished(context.Context, string, string) (state.Delivery, bool, error) {
	return state.Delivery{}, false, nil
}

// SaveCheckpoint takes note of what the server has acknowledged.
func (s *puttingStore) SaveCheckpoint(ctx context.Context, id string, at state.Checkpoint) (bool, error) {
	if p := s.putting; at.Offset > p.furthest {
		p.furthest = at.Offset
		p.progressed()
	}
	return s.PutStore.SaveCheckpoint(ctx, id, at)
}

// Commit is the last moment at which nothing is visible.
func (s *puttingStore) Commit(ctx context.Context, id string, proof state.Proof) (bool, error) {
	if err := s.putting.Expect.meets(s.putting.Expect.Size, proof.SHA256); err != nil {
		return false, err
	}
	if !s.passed() {
		return false, context.Canceled
	}
	s.putting.progressed()
	return s.PutStore.Commit(ctx, id, proof)
}

// passed takes note that the file may be visible from now on; false where an interruption came before.
func (s *puttingStore) passed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visible = !s.stopped && s.interrupted() == nil
	return s.visible
}

// mayStop tells whether an interruption still comes in time.
func (s *puttingStore) mayStop() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = !s.visible
	return s.stopped
}

// progressed forgives the failures so far.
func (p *putting) progressed() {
	p.failures, p.since = 0, time.Time{}
	p.own, p.trouble.alike, p.trouble.anew = 0, nil, false
}
