package syncer

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/remote"
)

// changedRig is a mirror with one delivered file of 3 MiB, and what has become of it: a byte at the beginning is new, and so is
// one in the middle. little bounds what has to be sent of it.
func changedRig(t *testing.T) (r *rig, s *fakeServer, was, now string) {
	t.Helper()
	was = large(3 << 20)
	now = "x" + was[:1<<20] + "y" + was[1<<20+1:]
	r, s = growingRig(t, was)
	return r, s, was, now
}

const little = 128 << 10

// freshTemps is told of all requests, and finds an upload to a temp to which the server may still copy.
func freshTemps(t *testing.T) func(op, name string) {
	copied := map[string]bool{}
	return func(op, name string) {
		if op == "put" && copied[name] {
			t.Errorf("%s is written, to which the server may still copy", name)
		}
		copied[name] = copied[name] || op == "patch" || op == "copy"
	}
}

// TestChangedFile sends what has changed, and the whole wherever that cannot be, or has come out wrong. What is published is the
// source in any case.
func TestChangedFile(t *testing.T) {
	t.Parallel()
	wrong := func(n int) func(c string) string {
		return func(c string) string {
			if n--; n == 0 {
				return c[1:] + "?"
			}
			return c
		}
	}
	for _, row := range []struct {
		name   string
		change func(r *rig, s *fakeServer)
		patch  bool // as little as that is sent
		whole  bool // and from then on all of it, for a while
	}{
		{"changed", func(*rig, *fakeServer) {}, true, false},
		{"off", func(r *rig, _ *fakeServer) { r.folder.Delta = DeltaOff }, false, false},
		{"size is proof enough for uploads", func(r *rig, _ *fakeServer) { r.folder.Verify = remote.Size }, true, false},
		{"a server that does not hash, and content is to be proved", func(r *rig, s *fakeServer) {
			s.hashes, r.folder.Verify = false, remote.Content
			can := copyingCapabilities()
			can.Hash = ""
			r.serverCan(s, can)
		}, true, false},
		{"a server that copies nothing", func(_ *rig, s *fakeServer) { s.copies = nil }, false, false},
		{"a server that hashes no more", func(_ *rig, s *fakeServer) { s.hashes = false }, false, false},
		{"a wrong copy", func(_ *rig, s *fakeServer) { s.copies = wrong(2) }, false, true},
		{"a copy cut short", func(_ *rig, s *fakeServer) { s.copies = func(c string) string { return c[:len(c)-1] } }, false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r, s, was, now := changedRig(t)
			row.change(r, s)
			fresh := freshTemps(t)
			s.setRefuse(func(op, name string, _ func()) error { fresh(op, name); return nil })
			r.drop("log", now)
			r.once()
			wantChanged := func(content string, n int, patch bool) {
				t.Helper()
				r.wantReceipts(n)
				receipts := r.receipts()
				if got, _ := s.content("in/log"); got != content {
					t.Errorf("%d bytes are published, want %d", len(got), len(content))
				}
				if all := int64(len(content)); patch != (s.sent <= little) || !patch && s.sent < all {
					t.Errorf("%d bytes were sent", s.sent)
				}
				if spared := receipts[n-1].Proof.Spared; (spared > 0) != patch || patch && spared != int64(len(content))-s.sent {
					t.Errorf("the receipt says that %d bytes were spared", spared)
				}
				if left := s.names(".part"); len(left) != 0 {
					t.Errorf("left: %v", left)
				}
				s.sent = 0
			}
			wantChanged(now, 2, row.patch)
			if row.whole == (r.events.count(EventWhole) == 0) {
				t.Errorf("told %d times that it is sent whole", r.events.count(EventWhole))
			}
			if s.copies != nil { // what has come out wrong is not tried again soon
				s.copies = func(c string) string { return c }
			}
			r.drop("log", was+"!")
			r.once()
			wantChanged(was+"!", 3, row.patch)
			if row.whole { // for a day
				r.options.Now = func() time.Time { return settledClock().Add(23 * time.Hour) }
				r.drop("log", now)
				r.once()
				wantChanged(now, 4, false)
				r.options.Now = func() time.Time { return settledClock().Add(25 * time.Hour) }
				r.drop("log", was)
				r.once()
				wantChanged(was, 5, true)
			}
		})
	}
}

// TestChangedFileThatIsNotThere is sent whole, and nothing has failed: a partner may take what is his.
func TestChangedFileThatIsNotThere(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"before", "at the first part", "behind the last"} {
		r, s, _, now := changedRig(t)
		take := func() {
			s.mu.Lock()
			delete(s.files, "in/log")
			s.mu.Unlock()
		}
		parts := 0
		s.setRefuse(func(op, _ string, _ func()) error {
			if op == "patch" {
				parts++
			}
			if moment == "at the first part" && op == "patch" && parts == 1 || moment == "behind the last" && op == "patched" {
				take()
			}
			return nil
		})
		if moment == "before" {
			take()
		}
		r.drop("log", now)
		r.once()
		r.wantReceipts(2)
		if got, _ := s.content("in/log"); got != now {
			t.Errorf("taken %s: %d bytes are published", moment, len(got))
		}
		if n := r.events.count(EventFailed); n != 0 || (parts > 0) != (moment != "before") {
			t.Errorf("taken %s: %d attempts failed, %d parts were made", moment, n, parts)
		}
	}
}

// TestChangedFileCutOff loses the connection at each step. The next attempt begins on another temp, since the server may still copy
// to the one before; after two that were lost the file is sent whole.
func TestChangedFileCutOff(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		op    string
		cuts  int
		whole bool
	}{{"patch", 1, false}, {"patched", 1, false}, {"stat", 1, false}, {"rename", 1, false}, {"patch", 2, true}} {
		r, s, _, now := changedRig(t)
		left := row.cuts
		temps, fresh := map[string]int{}, freshTemps(t)
		s.setRefuse(func(op, name string, cut func()) error {
			fresh(op, name)
			if op == "patched" {
				temps[name]++
			}
			if op == row.op && left > 0 && (op != "stat" || isTemp(name)) {
				left--
				cut()
				return problem(op, name, remote.Transient, errCut)
			}
			return nil
		})
		r.drop("log", now)
		r.once()
		r.wantReceipts(2)
		if got, _ := s.content("in/log"); got != now || left > 0 {
			t.Errorf("%d cuts at %s: %d bytes are published, %d cuts are left", row.cuts, row.op, len(got), left)
		}
		if row.whole == (s.sent <= 2*little) {
			t.Errorf("%d cuts at %s: %d bytes were sent", row.cuts, row.op, s.sent)
		}
		for name, n := range temps {
			if n > 1 {
				t.Errorf("%d cuts at %s: %s was used %d times", row.cuts, row.op, name, n)
			}
		}
		if parts := s.names(".part"); len(parts) != 0 {
			t.Errorf("%d cuts at %s: left: %v", row.cuts, row.op, parts)
		}
	}
}

// TestChangedFileThatChangesAgain is planned anew, and nothing is held against the server.
func TestChangedFileThatChangesAgain(t *testing.T) {
	t.Parallel()
	r, s, was, now := changedRig(t)
	changed := false
	s.setRefuse(func(op, _ string, _ func()) error {
		if op == "patched" && !changed {
			changed = true
			r.drop("log", now+"again")
		}
		return nil
	})
	r.drop("log", now)
	r.once()
	if got, _ := s.content("in/log"); got != was || !changed {
		t.Errorf("%d bytes are published of a version that is gone", len(got))
	}
	r.once()
	r.wantReceipts(2)
	if got, _ := s.content("in/log"); got != now+"again" || r.events.count(EventWhole) != 0 {
		t.Errorf("%d bytes are published, %d times it is said to be sent whole", len(got), r.events.count(EventWhole))
	}
}

// TestDroppedAgain replaces what an outbox has delivered and archived with a version that has changed little.
func TestDroppedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.After, r.folder.Delta = Archive, DeltaAlways
	s := copyingServer(r)
	was := large(2 << 20)
	r.drop("stock.csv", was)
	r.once()
	s.sent = 0
	now := was[:1<<20] + "changed" + was[1<<20:]
	r.drop("stock.csv", now)
	r.once()
	r.wantReceipts(2)
	if got, _ := s.content("in/stock.csv"); got != now || s.sent > little {
		t.Errorf("%d bytes are published, %d were sent", len(got), s.sent)
	}
}

// TestDeltaIsLeftAlone sends whole what is sent as fast, and indexes nothing that would be of no use.
func TestDeltaIsLeftAlone(t *testing.T) {
	t.Parallel()
	r, s, _, now := changedRig(t)
	r.folder.Delta = DeltaAuto
	slow := &speeds{}
	slow.send.note(8<<30, 1)
	d := &delivery{folder: r.folder, session: &fakeSession{server: s}, speeds: slow}
	if vain := d.vain(1 << 30); !vain(900<<20) || vain(50<<20) {
		t.Error("the speed of the line says nothing")
	}
	x, piece := &indexing{vain: func(float64) bool { return true }}, make([]byte, vainFrom/4)
	for at := int64(0); at < 2*vainFrom; at += int64(len(piece)) {
		x.take(at, piece)
	}
	if x.index(2*vainFrom) != nil {
		t.Error("a file is indexed that would be sent as fast")
	}
	x = &indexing{}
	x.take(0, []byte(now[:1000]))
	x.take(2000, []byte(now[2000:]))
	if x.index(int64(len(now))) != nil {
		t.Error("a file is indexed of which a part was not seen")
	}
	x.take(0, []byte(now)) // the upload has begun anew
	if i := x.index(int64(len(now))); i == nil || i.Size() != int64(len(now)) {
		t.Error("it is not indexed when it was")
	}
}

// TestChangedFileRefused has the server refuse to put files together: it is told by nobody, and the file is sent.
func TestChangedFileRefused(t *testing.T) {
	t.Parallel()
	r, s, _, now := changedRig(t)
	s.setRefuse(func(op, name string, _ func()) error {
		if strings.HasPrefix(op, "patch") {
			return problem(op, name, remote.Refused, errors.New("no"))
		}
		return nil
	})
	r.drop("log", now)
	r.once()
	r.wantReceipts(2)
	if got, _ := s.content("in/log"); got != now || r.events.count(EventFailed)+r.events.count(EventWhole) != 0 {
		t.Errorf("%d bytes are published", len(got))
	}
}
