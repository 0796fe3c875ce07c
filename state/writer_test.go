package state

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// occupy keeps the writer busy until free is called, and returns when it is.
func occupy(t *testing.T, s *Store) (free func()) {
	t.Helper()
	busy, release := make(chan struct{}), make(chan struct{})
	ended := make(chan error)
	go func() {
		ended <- s.write(context.Background(), "occupy", func(*conn) error {
			close(busy)
			<-release
			return nil
		})
	}()
	<-busy
	return func() {
		close(release)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// awaitQueue returns when n writes wait for the writer.
func awaitQueue(t *testing.T, s *Store, n int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		s.writer.mu.Lock()
		waiting := len(s.writer.waiting)
		s.writer.mu.Unlock()
		if waiting == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d writes wait, want %d", waiting, n)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestWaitingWritesShareOneCommit(t *testing.T) {
	s := newStore(t)
	free := occupy(t, s)
	var writers sync.WaitGroup
	const n = 20
	for i := range n {
		writers.Go(func() {
			if err := s.SetMeta(t.Context(), fmt.Sprint(i), "x"); err != nil {
				t.Error(err)
			}
		})
	}
	awaitQueue(t, s, n)
	before := s.writer.commits.Load()
	free()
	writers.Wait()
	if made := s.writer.commits.Load() - before; made != 2 { // one is the write that kept it busy
		t.Errorf("%d commits for %d writes, want 2", made, n)
	}
}

func TestFaultyWriteFailsAlone(t *testing.T) {
	s := newStore(t)
	taken := planOne(t, s, intentFor(route, "taken.xml"))
	free := occupy(t, s)
	var writers sync.WaitGroup
	good := make([]Intent, 10)
	for i := range good {
		good[i] = intentFor(route, file.Path(fmt.Sprint(i)))
		writers.Go(func() {
			got, err := s.Plan(t.Context(), []Plan{{Intent: good[i]}})
			if err != nil || len(got) != 1 || !got[0].OK {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	faulty := intentFor(route, "faulty.xml")
	faulty.ID = taken.ID
	writers.Go(func() {
		_, err := s.Plan(t.Context(), []Plan{{Intent: faulty}})
		if err == nil || !strings.Contains(err.Error(), "UNIQUE") {
			t.Errorf("an id twice: %v", err)
		}
	})
	awaitQueue(t, s, len(good)+1)
	free()
	writers.Wait()
	for _, in := range good {
		stored(t, s, in.ID)
	}
	if got := stored(t, s, taken.ID); got.Path != "taken.xml" {
		t.Errorf("%+v", got)
	}
}

func TestWriteThatIsNotWantedAnyMoreIsNotMade(t *testing.T) {
	s := newStore(t)
	free := occupy(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.SetMeta(ctx, "k", "v") }()
	awaitQueue(t, s, 1)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	free()
	if v, err := s.Meta(t.Context(), "k"); err != nil || v != "" {
		t.Errorf("%q, %v", v, err)
	}
	if err := s.SetMeta(ctx, "k", "v"); !errors.Is(err, context.Canceled) {
		t.Errorf("under an ended context: %v", err)
	}
}

func TestWriteThatIsUnderWayTellsItsTrueOutcome(t *testing.T) {
	s := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.write(ctx, "late", func(c *conn) error {
		cancel()
		_, err := c.exec("INSERT INTO meta VALUES ('k', 'v')")
		return err
	})
	if err != nil {
		t.Errorf("%v", err)
	}
	if v, err := s.Meta(t.Context(), "k"); err != nil || v != "v" {
		t.Errorf("%q, %v", v, err)
	}
}

func TestCloseFinishesWhatWaits(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	free := occupy(t, s)
	var writers sync.WaitGroup
	const n = 20
	for i := range n {
		writers.Go(func() {
			if err := s.SetMeta(t.Context(), fmt.Sprint(i), "x"); err != nil {
				t.Error(err)
			}
		})
	}
	awaitQueue(t, s, n)
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	free()
	writers.Wait()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"write": s.SetMeta(t.Context(), "late", "x"),
		"read":  errorOf(s.Meta(t.Context(), "0")),
		"close": s.Close(),
	} {
		if closedAlready := errors.Is(err, ErrClosed); closedAlready != (what != "close") {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
	s = openAt(t, dir)
	for i := range n {
		if v, err := s.Meta(t.Context(), fmt.Sprint(i)); err != nil || v != "x" {
			t.Errorf("%d: %q, %v", i, v, err)
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }

func TestCloseDuringAWalk(t *testing.T) {
	s := newStore(t)
	planOne(t, s, intentFor(route, "a"))
	planOne(t, s, intentFor(route, "b"))
	n := 0
	for r, err := range s.Walk(t.Context(), route.Folder) {
		if err != nil {
			t.Fatal(r, err)
		}
		n++
		closeStore(t, s)
	}
	if n != 2 {
		t.Errorf("%d paths", n)
	}
}

func TestFailedTransactionLeavesNothingOpen(t *testing.T) {
	s := newStore(t)
	// A transaction that has been left open, as by a rollback that failed.
	if _, err := s.writer.conn.exec("BEGIN"); err != nil {
		t.Fatal(err)
	}
	if err := s.SetMeta(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Meta(t.Context(), "k"); err != nil || v != "v" {
		t.Errorf("%q, %v", v, err)
	}
}
