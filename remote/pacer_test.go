package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dropferry/dropferry/bandwidth"
	"github.com/dropferry/dropferry/internal/sftptest"
)

// scripted is a pacer that lets pass what a test says.
type scripted struct {
	rate atomic.Int64

	mu     sync.Mutex
	passed []int
	hold   chan struct{} // closed when what waits may pass; nil: at once
}

func (p *scripted) Rate() int64 { return p.rate.Load() }

func (p *scripted) Wait(ctx context.Context, n int) error {
	p.mu.Lock()
	hold := p.hold
	p.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed = append(p.passed, n)
	return nil
}

// holdAll keeps everything from passing until it is let go.
func (p *scripted) holdAll() (letGo func()) {
	hold := make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = hold
	return func() { close(hold) }
}

// taken returns what has passed since it was last asked: how often, how much, and the most at once.
func (p *scripted) taken() (times int, total int64, most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.passed {
		total += int64(n)
		most = max(most, n)
	}
	times = len(p.passed)
	p.passed = nil
	return times, total, most
}

// pacedBy is a target that keeps a pace.
func pacedBy(p Pacer, t Target) Target {
	t.Pacer = p
	return t
}

func TestPacedPiece(t *testing.T) {
	for _, test := range []struct{ rate, n, want int64 }{
		{0, 255 << 10, 255 << 10},
		{1 << 30, 255 << 10, 255 << 10},
		{1 << 20, 255 << 10, 64 << 10},
		{1 << 20, 4 << 10, 4 << 10},
		{64 << 10, 255 << 10, 4 << 10},
		{1 << 10, 255 << 10, 256},
		{1 << 10, 100, 100},
	} {
		if got := pacedPiece(test.rate, test.n); got != test.want {
			t.Errorf("%d of %d bytes at %d/s, want %d", got, test.n, test.rate, test.want)
		}
	}
}

func TestContentIsPaced(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	p := &scripted{}
	p.rate.Store(1 << 20)
	s := mustProbe(t, pacedBy(p, sshdTarget(sshd)))
	p.taken() // what the probe has written
	for _, size := range []int{0, 1, 4 << 10, 3<<20 + 1} {
		content, name := random(size), s.target.Path(fmt.Sprintf("size-%d.part", size))
		mustUpload(t, s, name, content)
		if _, total, most := p.taken(); total != int64(size) || most > 64<<10 {
			t.Errorf("of %d bytes %d were paced, %d at once", size, total, most)
		}
		back, err := s.ReadBack(t.Context(), name)
		if want := sha256.Sum256(content); err != nil || !bytes.Equal(back, want[:]) {
			t.Errorf("read back: %x, %v", back, err)
		}
		if _, total, _ := p.taken(); total != int64(size) {
			t.Errorf("of %d bytes that were read back %d were paced", size, total)
		}
	}
	// Of a stream too, and nothing for what a source had no bytes for.
	content := random(100_000)
	u := Upload{Temp: s.target.Path("stream.part"), Size: Unknown}
	if _, err := s.Upload(t.Context(), u, io.MultiReader(bytes.NewReader(content[:7]), bytes.NewReader(content[7:]))); err != nil {
		t.Fatal(err)
	}
	if times, total, _ := p.taken(); total != int64(len(content)) || times > 5 {
		t.Errorf("of a stream of %d bytes %d were paced, in %d turns", len(content), total, times)
	}
	p.rate.Store(0)
	mustUpload(t, s, s.target.Path("free.part"), random(1<<20))
	if times, _, _ := p.taken(); times > 0 {
		t.Errorf("without a limit it was asked %d times", times)
	}
}

func TestWaitingForATurnIsNoStall(t *testing.T) {
	t.Parallel()
	const hold = 3 * stall / 2
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	p := &scripted{}
	p.rate.Store(1 << 20)
	target := serverTarget(server)
	target.Keepalive, target.StallTimeout = stall/4, stall
	s := mustDial(t, pacedBy(p, target))
	letGo := p.holdAll()
	content := random(300_000)
	done := async(func() error { return upload(t, s, "/a.part", content) })
	select {
	case err := <-done:
		t.Fatalf("ended without a turn: %v", err)
	case <-time.After(hold):
	}
	if err := s.Err(); err != nil {
		t.Fatalf("the session has ended: %v", err)
	}
	letGo()
	if err := soon(t, "upload", done); err != nil {
		t.Fatal(err)
	}
	letGo = p.holdAll()
	reading := async(func() error { _, err := s.ReadBack(t.Context(), "/a.part"); return err })
	time.Sleep(hold)
	letGo()
	if err := soon(t, "read back", reading); err != nil {
		t.Fatal(err)
	}
}

func TestAHangIsFoundUnderALimit(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	l := bandwidth.New()
	l.Set(bandwidth.Rates{Total: 1 << 20})
	target := serverTarget(server)
	target.Keepalive, target.StallTimeout = stall/4, stall
	s := mustDial(t, pacedBy(l.Limit(destination), target))
	server.Faults.Add(sftptest.Fault{Op: "write", Hang: true})
	err := soon(t, "upload", async(func() error { return upload(t, s, "/a.part", random(3<<20)) }))
	wantError(t, err, Transient, "stall_timeout")
}

func TestWaitingForATurnEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s *Session, cancel func()){
		"with its context": func(_ *Session, cancel func()) { cancel() },
		"with the session": func(s *Session, _ func()) { s.lose(errGone) },
	} {
		for what, op := range map[string]func(ctx context.Context, s *Session) error{
			"upload": func(ctx context.Context, s *Session) error {
				_, err := s.Upload(ctx, Upload{Temp: "/a.part", Size: 1 << 20}, bytes.NewReader(random(1<<20)))
				return err
			},
			"small upload": func(ctx context.Context, s *Session) error {
				_, err := s.Upload(ctx, Upload{Temp: "/b.part", Size: 100}, bytes.NewReader(random(100)))
				return err
			},
			"read back": func(ctx context.Context, s *Session) error {
				_, err := s.ReadBack(ctx, "/there")
				return err
			},
		} {
			t.Run(what+" "+name, func(t *testing.T) {
				t.Parallel()
				server := sftptest.StartServer(t, sftptest.ServerOptions{})
				p := &scripted{}
				p.rate.Store(1 << 20)
				s := mustDial(t, pacedBy(p, serverTarget(server)))
				mustUpload(t, s, "/there", random(1<<20))
				p.holdAll()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := async(func() error { return op(ctx, s) })
				time.Sleep(50 * time.Millisecond)
				end(s, cancel)
				err := soon(t, what, done)
				if ctx.Err() == nil {
					wantError(t, err, Transient)
				} else if !errors.Is(err, context.Canceled) {
					t.Errorf("it ended in %v", err)
				}
				if ctx.Err() != nil && s.Err() != nil {
					t.Errorf("the session has ended with it: %v", s.Err())
				}
			})
		}
	}
}

// What a limit lets pass and the server does not take is bounded too: requests without content queue behind it.
func TestLittleIsInFlightUnderALimit(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	p := &scripted{}
	p.rate.Store(64 << 10)
	s := mustDial(t, pacedBy(p, serverTarget(server)))
	server.Faults.Add(sftptest.Fault{Op: "write", Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	var uploads sync.WaitGroup
	for i := range 4 {
		uploads.Go(func() {
			u := Upload{Temp: fmt.Sprintf("/%d.part", i), Size: 10 << 20}
			_, _ = s.Upload(ctx, u, bytes.NewReader(random(10<<20))) // it ends with the session
		})
	}
	eventually(t, "the window is full", func() bool { return s.room.inUse() >= 120<<10 })
	time.Sleep(200 * time.Millisecond)
	if n := s.room.inUse(); n > 128<<10 {
		t.Errorf("%d bytes are in flight, want what two seconds let pass at most", n)
	}
	cancel()
	s.Close()
	uploads.Wait()
}

func TestOneLaneUnderALimit(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	p := &scripted{}
	s := mustDial(t, pacedBy(p, sshdTarget(sshd)))
	s.trip.least.Store(int64(100 * time.Millisecond))
	s.demands(1 << 30)
	if n := lanesWanted(1<<30, s.RoundTrip(), 0, laneWindow, s.mostLanes(), 1); n < 2 {
		t.Fatalf("%d lanes are wanted without a limit", n)
	}
	p.rate.Store(1 << 20)
	if used := s.inUse(); len(used) != 1 || s.lanes.opening != nil {
		t.Errorf("%d lanes are used, and more opened: %v", len(used), s.lanes.opening != nil)
	}
}

// TestRateOnTheLine measures what a real server gets of two sessions that share a limit, and how long a small file takes
// beside large ones.
func TestRateOnTheLine(t *testing.T) {
	t.Parallel()
	const rate, seconds = 1 << 20, 10
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	l := bandwidth.New()
	l.Set(bandwidth.Rates{Total: rate})
	var sessions []*Session
	for _, name := range []string{"acme", "acme", "backup"} {
		sessions = append(sessions, mustDial(t, pacedBy(l.Limit(name), sshdTarget(sshd))))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var uploads sync.WaitGroup
	for i, s := range sessions {
		for j := range 3 {
			uploads.Go(func() {
				u := Upload{Temp: s.target.Path(fmt.Sprintf("%d-%d.part", i, j)), Size: 1 << 40}
				if _, err := s.Upload(ctx, u, endless{}); !errors.Is(err, context.Canceled) {
					t.Errorf("upload: %v", err)
				}
			})
		}
	}
	sent := func() (total int64) {
		for _, s := range sessions {
			_, n := s.Traffic()
			total += n
		}
		return total
	}
	eventually(t, "the first bytes", func() bool { return sent() > 2*rate })
	was, began := sent(), time.Now()
	var slowest time.Duration
	for time.Since(began) < seconds*time.Second {
		small := time.Now()
		mustUpload(t, sessions[0], sessions[0].target.Path("small.part"), random(4<<10))
		slowest = max(slowest, time.Since(small))
		time.Sleep(300 * time.Millisecond)
	}
	took := time.Since(began)
	got := float64(sent()-was) / took.Seconds()
	t.Logf("%.1f KiB/s over %.1f s with a limit of %d KiB/s, SSH's own bytes included; 4 KiB took %v at most", got/1024, took.Seconds(), rate>>10, slowest)
	// Less may be the machine's fault, more may not.
	if got > 1.05*rate || got < 0.5*rate {
		t.Errorf("%.0f bytes a second, want %d", got, rate)
	}
	if slowest > 5*time.Second {
		t.Errorf("4 KiB took %v", slowest)
	}
	cancel()
	uploads.Wait()
}
