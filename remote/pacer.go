package remote

import (
	"context"
	"errors"
)

// Pacer bounds how fast the content of files passes, for all sessions and transfers that share it. It is asked from many
// goroutines, before each packet.
type Pacer interface {
	// Rate returns how many bytes may pass in a second, as things stand; 0 is any number.
	Rate() int64
	// Wait returns when n more bytes of one transfer may pass. Its only error is that of ctx.
	Wait(ctx context.Context, n int) error
}

const (
	// pacedPieces is in how many pieces a second's bytes go under a limit: in between, small files and requests without
	// content have their turn.
	pacedPieces = 16
	// leastPiece is the least that is worth a packet of its own, in bytes.
	leastPiece = 256
)

// pacedPiece returns how many of n bytes go at once under a limit of rate bytes in a second; 0 is none.
func pacedPiece(rate, n int64) int64 {
	if rate == 0 {
		return n
	}
	return min(n, max(rate/pacedPieces, leastPiece))
}

// limit returns how many bytes of content may pass in a second; 0 is any number.
func (s *Session) limit() int64 {
	if s.target.Pacer == nil {
		return 0
	}
	return s.target.Pacer.Rate()
}

// await waits until n bytes of content may pass. Its error is errGone where the session has ended, else that of ctx.
func (s *Session) await(ctx context.Context, n int) error {
	if n == 0 || s.limit() == 0 {
		return nil
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	err := s.target.Pacer.Wait(waiting, n)
	if err != nil && ctx.Err() == nil && s.Err() != nil {
		return errGone
	}
	return err
}

// awaitRead waits until n bytes of a remote file may be read. An error that is no *Error is that of ctx.
func (s *Session) awaitRead(ctx context.Context, name string, n int) error {
	err := s.await(ctx, n)
	if errors.Is(err, errGone) {
		return s.wrap("read", name, err)
	}
	return err
}

// await waits until a piece of the source may be sent. The upload's watch is away meanwhile: nobody is to blame. An error is
// errGone, that of the source, or that of ctx where it has ended before the source's.
func (w *writing) await(ctx context.Context, p *piece) error {
	err := w.session.await(ctx, len(p.data))
	if err != nil && w.in.ctx.Err() != nil {
		w.in.err = w.in.ctx.Err()
	}
	return err
}

// fitLimit keeps what is in flight in a room to the limit of the session.
func (s *Session) fitLimit(r *writeRoom) { r.fit(s.limit(), s.RoundTrip()) }
