package syncer

import (
	"bytes"
	"testing"
)

// sameSize is the size of a file of which an index is kept: 3 MiB.
const sameSize = 3 << 20

// TestSameSize has a file written again with the size that it had. What it has become is told by a comparison, which reads it once: nothing
// is sent of what is the same, and what is not goes as it would if its size were another.
func TestSameSize(t *testing.T) {
	t.Parallel()
	was := large(sameSize)
	swapped := was[sameSize/2:] + was[:sameSize/2]
	for _, row := range []struct {
		name    string
		now     string
		delta   Delta
		early   bool // a comparison tells, and not the hash
		patched bool
	}{
		{"the same", was, DeltaAlways, true, false},
		{"the same, and no delta", was, DeltaOff, false, false},
		{"the same, over a line faster than disks", was, DeltaAuto, false, false},
		{"a byte at its end", was[:sameSize-1] + "!", DeltaAlways, true, true},
		{"its halves swapped", swapped, DeltaAlways, true, true},
		{"all of it", large(sameSize + 1)[:sameSize], DeltaAlways, true, false},
		{"a byte, and no delta", "!" + was[1:], DeltaOff, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r, s := growingRig(t, was)
			r.folder.Delta = row.delta
			if row.delta == DeltaAuto {
				r.learns(1<<40, 1<<30, 1<<30)
			}
			asked := 0
			s.setRefuse(func(op, _ string, _ func()) error {
				if op == "put" || op == "patch" {
					asked++
				}
				return nil
			})
			r.drop("log", row.now)
			r.once()
			if got, _ := s.content("in/log"); got != row.now {
				t.Errorf("%d bytes are published that are not the %d of the source", len(got), len(row.now))
			}
			if row.now == was {
				r.await(EventUnchanged, "log", "acme")
				r.wantReceipts(1)
				if asked+s.foreseen > 0 || s.sent > 0 {
					t.Errorf("%d requests to write, %d bytes sent, though nothing has changed", asked, s.sent)
				}
				return
			}
			r.wantReceipts(2)
			if patched := s.sent <= little; patched != row.patched || !patched && s.sent != sameSize {
				t.Errorf("%d bytes were sent", s.sent)
			}
			if early := s.foreseen > 0; early != row.early {
				t.Errorf("compared: %v", early)
			}
		})
	}
}

// TestSameSizeAndSomebodysFile keeps what somebody has put there, whatever a comparison says.
func TestSameSizeAndSomebodysFile(t *testing.T) {
	t.Parallel()
	was := large(sameSize)
	r, s := growingRig(t, was)
	s.put("in/log", "somebody's", settledClock())
	r.drop("log", "!"+was[1:])
	r.once()
	r.await(EventHeld, "log", "acme")
	if got, _ := s.content("in/log"); got != "somebody's" || s.sent > 0 {
		t.Errorf("%d bytes are published, %d were sent", len(got), s.sent)
	}
}

// TestHashOfWhatIsCompared takes the hash from the comparison that is under way.
func TestHashOfWhatIsCompared(t *testing.T) {
	t.Parallel()
	was := large(sameSize)
	now := []byte(was)
	now[5]++
	c := compare(t.Context(), bytes.NewReader(now), against(t, was), nil, func(difference) bool { return false })
	d := &delivery{comparing: c}
	sum, err := d.sumOf(t.Context(), nil) // there is no source to be read
	if err != nil || !bytes.Equal(sum, c.sum) || d.index != c.index || d.index == nil || d.comparing != c {
		t.Errorf("%x, %v, %+v", sum, err, d)
	}
	d.conclude()
	if d.comparing != nil || !bytes.Equal(d.sum, sum) {
		t.Errorf("%+v", d)
	}
}
