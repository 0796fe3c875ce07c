package syncer

import (
	"testing"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// learns has the next run know of speeds, in bytes per second.
func (r *rig) learns(send, copied, hash int64) {
	r.Helper()
	at := settledClock()
	r.must(r.store.SaveRates(r.Context(), "acme", []state.Rate{{What: "send", Bytes: send, At: at}, {What: "copy", Bytes: copied, At: at}, {What: "hash", Bytes: hash, At: at}}))
}

// TestDeltaIsDecidedByWhatIsLearned sends less of a changed file where that is expected to take less time, by all that is known of line and
// server, and compares nothing where it is not.
func TestDeltaIsDecidedByWhatIsLearned(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	little := func(was string) string { return was[:len(was)/2] + "y" + was[len(was)/2+1:] }
	for _, row := range []struct {
		name               string
		size               int
		send, copied, hash int64
		change             func(r *rig, s *fakeServer)
		now                func(was string) string
		compared           bool // all of it is read for that
		begun, patched     bool
	}{
		{"a slow line", 3 * mib, mib, 1000 * mib, 400 * mib, nil, little, true, true, true},
		{"a line faster than disks", 3 * mib, 5000 * mib, 1000 * mib, 400 * mib, nil, little, false, false, false},
		{"a server that copies slowly", 3 * mib, 10 * mib, 9 * mib, 400 * mib, nil, little, false, false, false},
		{
			"a server that hashes slowly, and would not have to", 3 * mib, 10 * mib, 1000 * mib, 9 * mib,
			func(r *rig, _ *fakeServer) { r.folder.Verify = remote.Size }, little, false, false, false,
		},
		{"a server that hashes slowly, and has to in any case", 3 * mib, 10 * mib, 1000 * mib, 9 * mib, nil, little, true, true, true},
		{"a limit", 3 * mib, 5000 * mib, 1000 * mib, 400 * mib, func(_ *rig, s *fakeServer) { s.limit = mib }, little, true, true, true},
		{"far away", 3 * mib, 10 * mib, 1000 * mib, 400 * mib, func(_ *rig, s *fakeServer) { s.trip = time.Second }, little, false, false, false},
		{
			"nearly all is new", 3 * mib, mib, 1000 * mib, 400 * mib, nil,
			func(was string) string { return large(len(was)-mib/4-1) + was[:mib/4] }, true, false, false,
		},
		{
			"nearly all of a large one is new, as samples tell", sampledFrom + mib, mib, 1000 * mib, 400 * mib, nil,
			func(was string) string { return large(len(was)-mib-1) + was[:mib] }, false, false, false,
		},
		{
			"nearly all of a large one is new, and samples are of the rest", 3 * 16 * mib, mib, 1000 * mib, 400 * mib, nil,
			func(was string) string {
				now := []byte(large(len(was) - 1))
				for at := 0; at < len(was); at += 16 * mib {
					copy(now[at:], was[at:at+mib])
				}
				return string(now)
			}, true, true, false,
		},
		{"a large one", sampledFrom + mib, mib, 1000 * mib, 400 * mib, nil, little, true, true, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			was := large(row.size)
			r, s := growingRig(t, was)
			r.folder.Delta = DeltaAuto
			r.learns(row.send, row.copied, row.hash)
			if row.change != nil {
				row.change(r, s)
			}
			now, begun, fresh := row.now(was), false, freshTemps(t)
			s.setRefuse(func(op, name string, _ func()) error {
				begun = begun || op == "patch"
				fresh(op, name)
				return nil
			})
			r.drop("log", now)
			r.once()
			r.wantReceipts(2)
			if got, _ := s.content("in/log"); got != now {
				t.Errorf("%d bytes are published, want %d", len(got), len(now))
			}
			if left := s.names(".part"); begun != row.begun || len(left) != 0 || r.events.count(EventFailed)+r.events.count(EventWhole) != 0 {
				t.Errorf("begun: %v; left: %v", begun, left)
			}
			if patched := s.sent < int64(len(now)); patched != row.patched {
				t.Errorf("%d of %d bytes were sent", s.sent, len(now))
			}
			if compared := s.foreseen > 0; compared != row.compared {
				t.Errorf("read to be compared: %v", compared)
			}
		})
	}
}

// TestWhatADeltaTeaches is how fast the server copies and hashes.
func TestWhatADeltaTeaches(t *testing.T) {
	t.Parallel()
	r, _, _, now := changedRig(t)
	r.learns(1<<40, 7<<20, 7<<20)
	r.drop("log", now)
	r.once()
	stored, err := r.store.Rates(t.Context(), "acme")
	r.must(err)
	for _, x := range stored {
		if x.What != "send" && x.Bytes == 7<<20 {
			t.Errorf("nothing was learned of %s", x.What)
		}
	}
}
