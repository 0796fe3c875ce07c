package syncer

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// fullStore is a store whose disk can be full.
type fullStore struct {
	Store
	free   atomic.Int64 // bytes
	writes atomic.Int64 // that succeed before the disk is full; below 0 all do
}

func (s *fullStore) Room(least int64) error {
	if free := s.free.Load(); free < least {
		return &state.RoomError{Dir: "/state", Free: free}
	}
	return nil
}

func (s *fullStore) write() error {
	if n := s.writes.Load(); n >= 0 && s.writes.Add(-1) < 0 {
		s.writes.Store(0)
		return &state.RoomError{Dir: "/state", Free: s.free.Load(), Err: errors.New("disk full")}
	}
	return nil
}

func (s *fullStore) Commit(ctx context.Context, id string, p state.Proof) (bool, error) {
	if err := s.write(); err != nil {
		return false, err
	}
	return s.Store.Commit(ctx, id, p)
}

func (s *fullStore) Deliver(ctx context.Context, id string, d state.Deliver) (bool, error) {
	if err := s.write(); err != nil {
		return false, err
	}
	return s.Store.Deliver(ctx, id, d)
}

func (s *fullStore) Fail(ctx context.Context, id string, f state.Failure) error {
	if err := s.write(); err != nil {
		return err
	}
	return s.Store.Fail(ctx, id, f)
}

func (s *fullStore) SetWait(ctx context.Context, w state.Wait) error {
	if err := s.write(); err != nil {
		return err
	}
	return s.Store.SetWait(ctx, w)
}

// TestAFullDiskWhileTheDestinationIsAway ends nothing either.
func TestAFullDiskWhileTheDestinationIsAway(t *testing.T) {
	inTime(t, func(r *patientRig) {
		s := &fullStore{Store: r.store}
		r.options.Store = s
		s.free.Store(1 << 40)
		r.dialFails(remote.Transient)
		r.begin()
		if dials, _ := r.pass(time.Hour); dials > 61 {
			t.Errorf("%d dials in an hour", dials)
		}
		if l := r.link(); l.State != LinkWaiting || !strings.HasPrefix(l.Reason, "no room in state_dir") {
			t.Errorf("the link is %+v", l)
		}
		s.writes.Store(-1)
		r.server.setDialed(nil)
		r.pass(10 * time.Minute)
		r.wantReceipts(1)
	})
}

// TestAFullDiskUnderTheStore stops deliveries, tells so once, and lets them go on when there is room.
func TestAFullDiskUnderTheStore(t *testing.T) {
	for _, row := range []struct {
		name   string
		free   int64
		writes int64
		dials  int // while it is full
	}{
		{"little is left", LeastRoom - 1, -1, 0},
		{"nothing can be written before T2", 0, 0, 0},
		{"a write fails though there is room", 1 << 40, 0, 61},
		{"the receipt cannot be written", 1 << 40, 1, 61},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTime(t, func(r *patientRig) {
				s := &fullStore{Store: r.store}
				r.options.Store = s
				s.free.Store(row.free)
				s.writes.Store(row.writes)
				r.begin()
				dials, _ := r.pass(time.Hour)
				if row.dials > 0 {
					dials++ // in begin
				}
				if dials > row.dials {
					t.Errorf("%d dials in an hour, want at most %d", dials, row.dials)
				}
				l := r.link()
				if l.State != LinkWaiting || !strings.HasPrefix(l.Reason, "no room in state_dir /state: ") ||
					!strings.Contains(l.Reason, "deliveries wait until there is room") {
					t.Errorf("the link is %+v", l)
				}
				if n := r.events.count(EventNoRoom); n != 1 && row.dials == 0 {
					t.Errorf("told %d times", n)
				}
				if i := r.intent("a"); i.Failures != 0 {
					t.Errorf("that was no failure of the file: %+v", i)
				}
				s.free.Store(1 << 40)
				s.writes.Store(-1)
				r.pass(2 * time.Minute)
				r.wantReceipts(1)
				if got, _ := r.server.content("in/a"); got != "content" {
					t.Errorf("published: %q", got)
				}
				r.await(EventRoom, "", "")
			})
		})
	}
}

// TestOnceEndsWithoutRoom and says why.
func TestOnceEndsWithoutRoom(t *testing.T) {
	inTime(t, func(r *patientRig) {
		s := &fullStore{Store: r.store}
		r.options.Store = s
		s.writes.Store(-1)
		r.plan("a", "content")
		r.syncer = New(r.options)
		planned := make(chan struct{})
		close(planned)
		if err := r.syncer.Once(r.Context(), planned); !isNoRoom(err) {
			t.Errorf("once: %v", err)
		}
		if len(r.dials) != 0 {
			t.Errorf("%d dials", len(r.dials))
		}
	})
}
