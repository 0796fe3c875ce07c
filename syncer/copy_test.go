package syncer

import (
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// duplicateRig is an outbox that has delivered and archived one file of 2 MiB, over a line of which earlier runs have learned that it is
// slow.
func duplicateRig(t *testing.T) (r *rig, s *fakeServer, content string) {
	t.Helper()
	r = newRig(t)
	r.folder.After = Archive
	s = copyingServer(r)
	content = large(2 << 20)
	r.drop("first", content)
	r.once()
	r.wantReceipts(1)
	s.sent = 0
	r.learns(5<<20, 1<<30, usualHash)
	return r, s, content
}

// TestDuplicate has the server copy what an outbox has left there under another name, or sends it where that is not so. What is
// published is the source in any case, and nothing has failed.
func TestDuplicate(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		change func(r *rig, s *fakeServer)
		copied bool
		wrong  bool // what the server has put together
	}{
		{"it stands there", func(*rig, *fakeServer) {}, true, false},
		{"an outbox that deletes", func(r *rig, _ *fakeServer) { r.folder.After = Delete }, true, false},
		{"a mirror", func(r *rig, _ *fakeServer) { r.folder.Mirror, r.folder.After = true, Keep }, true, false},
		{"always", func(r *rig, _ *fakeServer) { r.folder.Delta = DeltaAlways }, true, false},
		{"off", func(r *rig, _ *fakeServer) { r.folder.Delta = DeltaOff }, false, false},
		{"taken", func(_ *rig, s *fakeServer) { delete(s.files, "in/first") }, false, false},
		{"changed", func(_ *rig, s *fakeServer) { s.put("in/first", "somebody's", settledClock()) }, false, false},
		{"touched", func(_ *rig, s *fakeServer) { s.put("in/first", s.files["in/first"].content, settledClock()) }, false, false},
		{"changed, which does not show", func(_ *rig, s *fakeServer) {
			f := s.files["in/first"]
			s.put("in/first", f.content[1:]+"?", f.time)
		}, false, true},
		{"a server that copies nothing", func(_ *rig, s *fakeServer) { s.copies = nil }, false, false},
		{"a server that hashes no more", func(_ *rig, s *fakeServer) { s.hashes = false }, false, false},
		{"a copy cut short", func(_ *rig, s *fakeServer) { s.copies = func(c string) string { return c[:len(c)-1] } }, false, true},
		{"a wrong copy", func(_ *rig, s *fakeServer) { s.copies = func(c string) string { return c[1:] + "?" } }, false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r, s, content := duplicateRig(t)
			row.change(r, s)
			r.drop("second", content)
			r.once()
			r.wantReceipts(2)
			if got, _ := s.content("in/second"); got != content {
				t.Errorf("%d bytes are published", len(got))
			}
			want := int64(len(content))
			if row.copied {
				want = 0
			}
			if d := r.receipts()[1]; s.sent != want || d.Size-d.Proof.Spared != want || d.Proof.Evidence == remote.SizeOnly && row.copied {
				t.Errorf("%d bytes were sent, want %d; receipt %+v", s.sent, want, d)
			}
			if n := r.events.count(EventFailed); n != 0 || row.wrong != (r.events.count(EventWhole) > 0) {
				t.Errorf("%d attempts have failed, told %d times that it is sent whole", n, r.events.count(EventWhole))
			}
			if left := s.names(".part"); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			if !row.wrong {
				return
			}
			s.copies = func(c string) string { return c } // and is not asked for again, for a while
			r.folder.Delta = DeltaAlways
			for n, name := range []string{"third", "second", "fourth"} {
				s.sent = 0
				r.drop(name, "!"+content[1:])
				r.once()
				r.wantReceipts(3 + n)
				if got, _ := s.content("in/" + name); got != "!"+content[1:] || (s.sent == 0) != (name == "fourth") {
					t.Errorf("%s: %d bytes are published, and %d were sent", name, len(got), s.sent)
				}
			}
		})
	}
}

// TestDuplicateOfAnotherFolder copies what another folder has put there.
func TestDuplicateOfAnotherFolder(t *testing.T) {
	t.Parallel()
	r, s, content := duplicateRig(t)
	other := *r.folder
	other.Name, other.Mirror, other.After = "elsewhere", true, Keep
	other.Routes = []Route{r.folder.Routes[0]}
	other.Routes[0].RemotePath = func(p file.Path, _ time.Time) string { return "mirror/" + string(p) }
	r.folder = &other
	r.options.Folders = []*Folder{&other}
	r.drop("second", content)
	if _, all := r.preview(&fakeSession{server: s, done: make(chan struct{}), caps: copyingCapabilities()}, r.entries()); len(all) != 1 || all[0].Op != Copy || all[0].From != "in/first" {
		t.Errorf("planned %+v", all)
	}
	r.once()
	if got, _ := s.content("mirror/second"); got != content || s.sent != 0 {
		t.Errorf("%d bytes are published, %d were sent", len(got), s.sent)
	}
}

// TestDuplicateCutOff loses the connection at each step: it is right in the end, and no temp is copied to twice.
func TestDuplicateCutOff(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"copy", "stat", "set time", "rename"} {
		r, s, content := duplicateRig(t)
		left, temps := 1, map[string]int{}
		s.setRefuse(func(got, name string, cut func()) error {
			if got == "copy" {
				temps[name]++
			}
			if got == op && left > 0 && (op != "stat" || isTemp(strings.TrimPrefix(name, "in/"))) {
				left--
				cut()
				return problem(got, name, remote.Transient, errCut)
			}
			return nil
		})
		r.drop("second", content)
		r.once()
		r.wantReceipts(2)
		if got, _ := s.content("in/second"); got != content || left > 0 {
			t.Errorf("cut at %s: %d bytes are published, %d cuts are left", op, len(got), left)
		}
		for name, n := range temps {
			if n > 1 {
				t.Errorf("cut at %s: %s was copied to %d times", op, name, n)
			}
		}
	}
}

// TestNoDuplicateIsNotRead leaves alone what nothing there is like, and does not read all files of one size for nothing.
func TestNoDuplicateIsNotRead(t *testing.T) {
	t.Parallel()
	r, s, content := duplicateRig(t)
	d := &delivery{
		store: r.store, session: &fakeSession{server: s, caps: copyingCapabilities()}, folder: r.folder, now: settledClock, alikes: &odds{},
	}
	d.intent.Route, d.intent.Path, d.intent.Final, d.intent.Temp = state.Route{Folder: "out", Destination: "acme"}, "second", "in/second", "in/.second.part"
	size := int64(len(content))
	found := func(want int, why string) {
		t.Helper()
		if there, err := d.mayBeThere(t.Context(), size); err != nil || len(there) != want {
			t.Errorf("%s: %d files may be like it, want %d (%v)", why, len(there), want, err)
		}
	}
	found(1, "one has its size")
	d.sum = make([]byte, 32)
	found(0, "its hash is known, and another")
	d.sum = nil
	d.speeds = &speeds{}
	d.speeds.send.recall(10 << 30)
	found(0, "the line is faster than any disk")
	d.folder.Delta = DeltaAlways
	found(1, "always")
	d.folder.Delta, d.speeds = DeltaAuto, nil
	for range 1000 {
		d.alikes.note(false)
	}
	found(0, "it was in vain a thousand times")
	d.alikes.note(true)
	delete(s.files, "in/first")
	found(0, "it is gone")
	size++
	found(0, "nothing has its size")
}

// TestDuplicateKnownByItsHash needs no reading where the very version was sent elsewhere.
func TestDuplicateKnownByItsHash(t *testing.T) {
	t.Parallel()
	r, _, content := duplicateRig(t)
	r.folder.After = Keep
	print := r.drop("second", content)
	d := &delivery{store: r.store, folder: r.folder, now: settledClock}
	d.intent.Route, d.intent.Path, d.intent.Fingerprint, d.intent.ReadyAt = state.Route{Folder: "out", Destination: "acme"}, "second", print, settledClock()
	if sum, err := d.toldSum(t.Context()); err != nil || sum != nil {
		t.Errorf("before it was sent anywhere: %x, %v", sum, err)
	}
	r.once()
	want := r.record("second").Known[0].SHA256
	if sum, err := d.toldSum(t.Context()); err != nil || string(sum) != string(want) || sum == nil {
		t.Errorf("%x, %v, want %x", sum, err, want)
	}
	d.sum, d.intent.ReadyAt = nil, print.Modified()
	if sum, err := d.toldSum(t.Context()); err != nil || sum != nil {
		t.Errorf("of one that may have changed since: %x, %v", sum, err)
	}
}
