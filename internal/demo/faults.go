package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/syncer"
)

// lineRate is what the line carries, in bytes a second: little enough to watch a file go.
const lineRate = 8 << 20

// What the configuration says besides where the line is bad.
const (
	hastyDestination = "connect_timeout = \"3s\"\nkeepalive = \"500ms\"\nstall_timeout = \"2s\"\n"
	hastyFolder      = "checkpoint = { size = \"2MiB\" }\nretry = { initial = \"1s\", max = \"2s\" }\n"
)

// fault is one that happens when so much of the large sample has been sent.
type fault struct {
	at     int64
	says   string
	make   func() error
	lasts  time.Duration
	mend   func() error
	mended string // "" where there is nothing to mend
}

// faults are those of a demo, one after another. A nil one is a demo without any.
type faults struct {
	scene *scene
	note  func(string)
	next  syncer.Observer
	list  []fault
	come  chan struct{} // holds a token when the next one's time has come
	found chan struct{} // closed when it was found out that the invoice is another one there

	onceFound sync.Once

	mu      sync.Mutex
	made    int
	due     int64 // of the large sample, when the next fault is to happen; 0 is never
	sent    int64 // of the large sample, in the attempt that was the last
	stopped bool  // by a failure, and not gone on yet
}

func newFaults(s *scene, note func(string), next syncer.Observer) *faults {
	if next == nil {
		next = func(syncer.Event) {}
	}
	f := &faults{scene: s, note: note, next: next, come: make(chan struct{}, 1), found: make(chan struct{})}
	s.server.Faults.Add(f.ofServer()...)
	nothing := func() error { return nil }
	f.list = []fault{
		{at: 5 << 20, says: "the connection is cut", make: func() error { s.wire.Cut(); return nil }, mend: nothing},
		{
			at: 8 << 20, says: "the server answers a write with a failure, and does not say why", mend: nothing,
			make: func() error {
				s.server.Faults.Add(sftptest.Refuse(sftptest.OpWrite, sftptest.Failure).On("." + largeName + ".*").Once())
				return nil
			},
		},
		{
			at: 11 << 20, says: "the line falls silent: nothing passes, and nobody is told",
			make: func() error { s.wire.Blackhole(true); return nil }, lasts: 4 * time.Second,
			mend: func() error { s.wire.Blackhole(false); return nil }, mended: "the line is heard again",
		},
		{
			at: 15 << 20, says: "the connection is cut, and new ones are refused",
			make: func() error { defer s.wire.Cut(); return s.wire.Shut(true) }, lasts: 1500 * time.Millisecond,
			mend: func() error { return s.wire.Shut(false) }, mended: "connections are accepted again",
		},
		{
			at: 19 << 20, says: "the server is stopped", lasts: 1200 * time.Millisecond,
			make: func() error { return errors.Join(s.wire.Shut(true), s.server.Close()) },
			mend: s.restart, mended: "the server is there again",
		},
	}
	f.due = f.list[0].at
	return f
}

// ofServer are faults of the server that smaller samples meet.
func (f *faults) ofServer() []sftptest.Fault {
	tells := func(t sftptest.Fault, says string) sftptest.Fault {
		t.Do = func() { f.tell(says) }
		return t
	}
	return []sftptest.Fault{
		tells(sftptest.Corrupt(".invoice-*", 1), "the server writes another byte of the invoice than was sent"),
		tells(sftptest.LoseReply(sftptest.OpRename).On("order *.csv"), "the server renames the order, and its answer is lost with the connection"),
	}
}

// tell says that a fault happens.
func (f *faults) tell(says string) {
	f.mu.Lock()
	f.made++
	n := f.made
	f.mu.Unlock()
	f.note(fmt.Sprintf("FAULT %d    %s", n, says))
}

// observe follows the samples that meet faults on their way.
func (f *faults) observe(e syncer.Event) {
	f.next(e)
	switch string(e.Path) {
	case invoiceName:
		if e.Type == syncer.EventFailed {
			f.onceFound.Do(func() { close(f.found) })
		}
	case largeName:
		if text := f.follow(e); text != "" {
			f.note(text)
		}
	}
}

// follow returns what there is to say about the large sample.
func (f *faults) follow(e syncer.Event) (text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch e.Type {
	case syncer.EventFailed:
		f.stopped = true
	case syncer.EventProgress:
		if f.stopped {
			text = fmt.Sprintf("goes on    %s from %s: %s is sent again", largeName, mebibytes(e.Sent), mebibytes(max(f.sent-e.Sent, 0)))
		}
		f.stopped, f.sent = false, e.Sent
		if f.due > 0 && e.Sent >= f.due {
			f.due = 0
			f.come <- struct{}{} // there is room: each fault is due once
		}
	}
	return text
}

// play lets the faults happen.
func (f *faults) play(ctx context.Context) error {
	if f == nil {
		return nil
	}
	for i, fault := range f.list {
		select {
		case <-f.come:
		case <-ctx.Done():
			return nil
		}
		if err := f.happen(ctx, i, fault); err != nil {
			return fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	return nil
}

func (f *faults) happen(ctx context.Context, i int, fault fault) error {
	f.mu.Lock()
	sent := f.sent
	f.mu.Unlock()
	f.tell(fmt.Sprintf("after %s of %s: %s", mebibytes(sent), largeName, fault.says))
	if err := fault.make(); err != nil {
		return err
	}
	if fault.lasts > 0 {
		timer := time.NewTimer(fault.lasts)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if err := fault.mend(); err != nil {
		return err
	}
	if fault.mended != "" {
		f.note(fmt.Sprintf("mended     %s", fault.mended))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if i+1 < len(f.list) {
		f.due = f.list[i+1].at
	}
	return nil
}

// sum compares what has arrived with what was sent, and says what it took.
func (f *faults) sum(out io.Writer, samples []sample) error {
	if f == nil {
		return nil
	}
	var failures []error
	var needed int64
	for _, s := range samples {
		want := bytes.Join(s.pieces, nil)
		needed += int64(len(want))
		got, err := os.ReadFile(filepath.Join(f.scene.inbox(), filepath.FromSlash(s.name)))
		if err == nil && !bytes.Equal(got, want) {
			err = fmt.Errorf("%s has arrived with %d bytes that are not those of the sample", s.name, len(got))
		}
		failures = append(failures, err)
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	f.mu.Lock()
	made := f.made
	f.mu.Unlock()
	sent, _, _ := f.scene.wire.Stats()
	_, err := fmt.Fprintf(out, "\n%d faults, %d files, all of them whole. %s were sent for %s: %.2f times as much.\n",
		made, len(samples), mebibytes(sent), mebibytes(needed), float64(sent)/float64(needed))
	return err
}

// restart starts the server again, on its address, and lets connections through to it.
func (s *scene) restart() error {
	o := s.serve
	o.Listen, o.Faults = s.server.Addr(), s.server.Faults
	server, err := sftptest.NewServer(o)
	if err != nil {
		return err
	}
	s.server = server
	return s.wire.Shut(false)
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
