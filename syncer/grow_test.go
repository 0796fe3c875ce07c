package syncer

import (
	"encoding/binary"
	"encoding/json"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/dropferry/dropferry/chunk"
	"github.com/dropferry/dropferry/remote"
)

// grownFrom takes the place of leastGrown where another size shows the same: contents of its size take their time with the race detector.
const grownFrom = 2 << 20

// growingRig is a mirror with one delivered file "log", of a server that copies.
func growingRig(t *testing.T, content string) (*rig, *fakeServer) {
	t.Helper()
	r := newRig(t)
	r.folder.grownFrom = grownFrom
	r.folder.CheckpointBytes = 1                        // else what has grown by little is patched
	r.folder.Mirror, r.folder.Delta = true, DeltaAlways // a fake is as fast as memory
	s := copyingServer(r)
	r.drop("log", content)
	r.once()
	r.wantReceipts(1)
	s.sent = 0
	return r, s
}

// copyingServer is a destination that hashes and copies.
func copyingServer(r *rig) *fakeServer {
	r.Helper()
	s := r.toFake()
	s.hashes, s.copies = true, func(content string) string { return content }
	r.serverCan(s, copyingCapabilities())
	return s
}

// serverCan has the next run know what an earlier one has found out of a server.
func (r *rig) serverCan(s *fakeServer, can remote.Capabilities) {
	r.Helper()
	told, err := json.Marshal(can)
	r.must(err)
	r.must(r.store.SaveCapabilities(r.Context(), "acme", s.identity, told))
}

func copyingCapabilities() remote.Capabilities {
	return remote.Capabilities{
		Version: remote.ProbeVersion, PosixRename: true, SetTimes: true, RenameRefuses: true, Fsync: true,
		Hash: "sha256sum", Extensions: map[string]string{"copy-data": "1"},
	}
}

// TestGrownFile has more written to the end of a file: only that is sent. Where the copy at the server is wrong, or somebody has
// changed the file there, or it has another beginning now, or is smaller, what is published is the source all the same: see delta_test.go.
func TestGrownFile(t *testing.T) {
	t.Parallel()
	was := large(grownFrom + 7)
	for _, row := range []struct {
		name   string
		now    string
		change func(s *fakeServer)
		sent   int
	}{
		{"grown", was + "more", nil, len("more")},
		{"another beginning", "x" + was, nil, little},
		{"shrunk", was[:grownFrom], nil, little},
		{"as long", "X" + was[1:], nil, little},
		{"the server copies nothing", was + "more", func(s *fakeServer) { s.copies = nil }, len(was) + 4},
		{"a copy cut short", was + "more", func(s *fakeServer) { s.copies = func(c string) string { return c[:len(c)-1] } }, len(was) + 4},
		{"a wrong copy", was + "more", func(s *fakeServer) { s.copies = func(c string) string { return c[1:] + "?" } }, len(was) + 4},
		{"no more hashes", was + "more", func(s *fakeServer) { s.hashes = false }, len(was) + 4},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r, s := growingRig(t, was)
			if row.change != nil {
				row.change(s)
			}
			r.drop("log", row.now)
			r.once()
			r.wantReceipts(2)
			if got, _ := s.content("in/log"); got != row.now {
				t.Errorf("%d bytes are published, want %d", len(got), len(row.now))
			}
			if s.sent != int64(row.sent) && (row.sent != little || s.sent == 0 || s.sent > little) {
				t.Errorf("%d bytes were sent, want %d", s.sent, row.sent)
			}
			if spared := r.receipts()[1].Proof.Spared; spared != int64(len(row.now))-s.sent {
				t.Errorf("the receipt says that %d bytes were spared, and %d of %d were sent", spared, s.sent, len(row.now))
			}
			if left := s.names(".part"); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// TestGrownByLittle has a file grow by less than the distance of two checkpoints, and by that: in the first case it is put together in one go.
func TestGrownByLittle(t *testing.T) {
	t.Parallel()
	const apart = 64 << 10
	was := large(grownFrom)
	for _, row := range []struct {
		more int
		op   string
	}{{apart - 1, "patch"}, {apart, "copy"}} {
		r, s := growingRig(t, was)
		r.folder.CheckpointBytes = apart
		now := was + large(row.more)
		ops := map[string]bool{}
		s.setRefuse(func(op, _ string, _ func()) error {
			ops[op] = true
			return nil
		})
		r.drop("log", now)
		r.once()
		r.wantReceipts(2)
		if got, _ := s.content("in/log"); got != now || s.sent != int64(row.more) {
			t.Errorf("grown by %d: %d bytes are published, and %d were sent", row.more, len(got), s.sent)
		}
		if other := map[string]string{"patch": "copy", "copy": "patch"}[row.op]; !ops[row.op] || ops[other] {
			t.Errorf("grown by %d: %v, want %s alone", row.more, ops, row.op)
		}
	}
}

// TestGrownByLittleCutOff has the connection lost while such a file is put together: the next attempts have a checkpoint, and what they send
// is what is new.
func TestGrownByLittleCutOff(t *testing.T) {
	t.Parallel()
	was := large(grownFrom)
	now := was + large(little)
	for _, second := range []string{"copy", "put"} {
		r, s := growingRig(t, was)
		r.folder.CheckpointBytes = 0
		cuts := map[string]int{"patch": 1, second: 1}
		s.setRefuse(func(op, name string, cut func()) error {
			if cuts[op] > 0 {
				cuts[op]--
				cut()
				return problem(op, name, remote.Transient, errCut)
			}
			return nil
		})
		r.drop("log", now)
		r.once()
		r.wantReceipts(2)
		if got, _ := s.content("in/log"); got != now {
			t.Errorf("%d bytes are published", len(got))
		}
		if whole := second == "copy"; cuts["patch"]+cuts[second] > 0 || whole != (s.sent > 3*little) {
			t.Errorf("cut at patch and at %s: %d bytes were sent, cuts left: %v", second, s.sent, cuts)
		}
	}
}

// TestHowMuchGrowthIsPatched is bounded by what would have a checkpoint on its way.
func TestHowMuchGrowthIsPatched(t *testing.T) {
	t.Parallel()
	slow := &speeds{}
	slow.send.note(1<<20, time.Second)
	for _, row := range []struct {
		name   string
		change func(d *delivery)
		most   int64
	}{
		{"no checkpoints", func(*delivery) {}, mostPatchedGrowth},
		{"by size", func(d *delivery) { d.folder.CheckpointBytes = 1 << 20 }, 1 << 20},
		{"by size, later", func(d *delivery) { d.folder.CheckpointBytes = 64 << 20 }, mostPatchedGrowth},
		{"by time", func(d *delivery) { d.folder.CheckpointEvery, d.speeds = 10*time.Second, slow }, 10 << 20},
		{"cut off before", func(d *delivery) { d.cut = true }, 0},
	} {
		d := &delivery{folder: &Folder{}, session: &fakeSession{server: &fakeServer{}}}
		row.change(d)
		b := &basis{index: &chunk.Index{}}
		if d.patchesGrowth(row.most, b) || row.most > 0 && !d.patchesGrowth(row.most-1, b) {
			t.Errorf("%s: another bound than %d bytes", row.name, row.most)
		}
	}
}

// TestGrowthOfAVeryLargeFile is not left to an index that knows only its beginning.
func TestGrowthOfAVeryLargeFile(t *testing.T) {
	t.Parallel()
	const size = 100 << 30
	encoded := []byte{1}
	for _, n := range []uint64{size, 0, 0} { // bytes, chunks, those with blocks
		encoded = binary.AppendUvarint(encoded, n)
	}
	var beginning chunk.Index
	if err := beginning.UnmarshalBinary(binary.LittleEndian.AppendUint64(encoded, xxhash.Sum64(encoded))); err != nil {
		t.Fatal(err)
	}
	d := &delivery{folder: &Folder{}, session: &fakeSession{server: &fakeServer{}}}
	if d.patchesGrowth(size+1, &basis{size: size, index: &beginning}) || !d.patchesGrowth(1, &basis{index: &chunk.Index{}}) || d.patchesGrowth(1, nil) {
		t.Error("it would be sent from where the index ends")
	}
}

// TestLeastGrown has a file of the size from which it is done, and one of a byte less.
func TestLeastGrown(t *testing.T) {
	t.Parallel()
	for _, less := range []int{0, 1} {
		was := large(leastGrown - less)
		r, s := growingRig(t, was)
		r.folder.grownFrom = 0
		copied := false
		s.setRefuse(func(op, _ string, _ func()) error {
			copied = copied || op == "copy"
			return nil
		})
		r.drop("log", was+"more")
		r.once()
		if got, _ := s.content("in/log"); got != was+"more" {
			t.Errorf("%d bytes are published", len(got))
		}
		if copied != (less == 0) {
			t.Errorf("a file of %d bytes was copied as a beginning: %v", len(was), copied)
		}
	}
}

// TestGrownFileCutOff loses the connection at each request of the delivery: it is right in the end.
func TestGrownFileCutOff(t *testing.T) {
	t.Parallel()
	was := large(grownFrom)
	now := was + "more"
	for _, op := range []string{"copy", "hash", "put", "close", "stat"} {
		for n := range 2 {
			r, s := growingRig(t, was)
			calls := 0
			s.setRefuse(func(got, _ string, cut func()) error {
				if got == op {
					if calls++; calls == n+1 {
						cut()
						return errCut
					}
				}
				return nil
			})
			r.drop("log", now)
			r.once()
			if got, _ := s.content("in/log"); got != now {
				t.Errorf("cut at %s %d: %d bytes are published, want %d", op, n, len(got), len(now))
			}
		}
	}
}

// TestGrownFileThatWasChangedThere is a conflict, as any other.
func TestGrownFileThatWasChangedThere(t *testing.T) {
	t.Parallel()
	was := large(grownFrom)
	r, s := growingRig(t, was)
	s.put("in/log", "somebody's", settledClock())
	r.drop("log", was+"more")
	r.once()
	if i := r.intent("log"); i.Phase != "held" {
		t.Errorf("%+v", i)
	}
	if got, _ := s.content("in/log"); got != "somebody's" {
		t.Error("it was replaced")
	}
}
