package syncer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// wantSeen checks what has ever stood under a final name.
func wantSeen(r *rig, o *sftptest.Observer, names ...string) {
	r.Helper()
	seen := map[string]int{}
	for _, s := range o.Seen() {
		seen[s.Name]++
	}
	for _, name := range names {
		seen[name]--
	}
	for name, n := range seen {
		if n != 0 {
			r.Errorf("%s appeared %+d times too often", name, n)
		}
	}
}

func TestEachFileIsDeliveredOnce(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"run", "once"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.toHashing("acme")
			seen := sftptest.Observe(t, filepath.Join(s.Dir, "in"))
			files := map[string]string{
				"a0": "a", "empty": "", "a-b/c": "1", "a/b/c": "2", "with space": "3", "-dash": "4", "$(touch x)": "5",
				"large": strings.Repeat("0123456789abcdef", 1<<16),
			}
			var names []string
			for name, content := range files {
				names = append(names, name)
				r.drop(name, content)
			}
			for range 3 { // the second and third time there is nothing to do
				if way == "once" {
					r.once()
					continue
				}
				r.start()
				r.scan()
				r.eventually("all is delivered", func() bool { return len(r.receipts()) == len(files) })
				r.scan()
				r.stop()
			}
			r.wantReceipts(len(files))
			r.wantInbox("acme", files)
			wantSeen(r, seen, names...)
			for _, d := range r.receipts() {
				if d.Proof.Evidence != remote.RemoteHash || d.Attempts != 1 || d.Proof.HostKey != s.Fingerprint() || len(d.Proof.SHA256) != 32 {
					t.Errorf("receipt: %+v", d)
				}
			}
			if n := r.events.count(EventPlanned); n != len(files) {
				t.Errorf("%d intents were planned, want %d", n, len(files))
			}
			r.wantNone(EventFailed, EventDropped, EventHeld, EventParked)
		})
	}
}

func TestOnlyChangedContentIsSentAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.toHashing("acme")
	r.drop("a", "one")
	r.deliver("a")

	soon := time.Now().Add(time.Minute)
	r.must(os.Chtimes(r.source("a"), soon, soon))
	r.scan()
	r.await(EventUnchanged, "a", "acme")
	r.scan()
	if n := len(r.record("a").Intents); n != 0 {
		t.Errorf("a touched file is planned again: %d intents", n)
	}

	r.drop("a", "two")
	r.deliver("a")
	r.wantReceipts(2)
	r.wantInbox("acme", map[string]string{"a": "two"})
}

// TestARacyFingerprintIsNotBelieved changes a file without any trace in its fingerprint, as on a file system with coarse
// times.
func TestARacyFingerprintIsNotBelieved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.options.Now = time.Now // the file is of this moment
	r.to("acme", sftptest.ServerOptions{})
	r.drop("a", "one")
	r.deliver("a")
	known := r.record("a").Known[0]
	if !known.Racy {
		t.Fatal("a file that was just written should be racy")
	}
	info, err := os.Stat(r.source("a"))
	r.must(err)
	r.must(os.WriteFile(r.source("a"), []byte("two"), 0o600))
	r.must(os.Chtimes(r.source("a"), info.ModTime(), info.ModTime()))
	// The store believes that the file had this fingerprint when it was sent.
	r.must(r.store.Touch(t.Context(), known.Route, "a", r.print("a"), true))
	r.scan()
	r.await(EventDelivered, "a", "acme")
	r.wantInbox("acme", map[string]string{"a": "two"})
}

func TestSomebodyElsesFileIsHeld(t *testing.T) {
	t.Parallel()
	for _, after := range []After{Keep, Archive, Delete} {
		t.Run(string(after), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.folder.After = after
			s := r.toHashing("acme")
			theirs := filepath.Join(s.Dir, "in", "a")
			r.must(os.WriteFile(theirs, []byte("their"), 0o600))
			r.drop("a", "ours")
			r.once()
			e := r.await(EventHeld, "a", "acme")
			if !strings.Contains(e.Err.Error(), "in/a holds a file of 5 bytes") {
				t.Errorf("reason: %v", e.Err)
			}
			i := r.intent("a")
			if i.Phase != state.Held || i.LastError != e.Err.Error() {
				t.Errorf("the store says %s, %q", i.Phase, i.LastError)
			}
			r.wantInbox("acme", map[string]string{"a": "their"})
			r.wantFolder(map[string]string{"a": "ours"})
			r.wantReceipts(0)

			r.once() // a held file waits for a person
			if n := r.events.count(EventHeld); n != 1 {
				t.Errorf("held %d times", n)
			}
			r.must(os.Remove(theirs))
			if ok, err := r.store.Release(t.Context(), i.ID); !ok || err != nil {
				t.Fatal(ok, err)
			}
			r.once()
			r.wantReceipts(1)
			r.wantInbox("acme", map[string]string{"a": "ours"})
		})
	}
}

// TestAConflictIsFoundBeforeTheRename has somebody put a file there during the upload.
func TestAConflictIsFoundBeforeTheRename(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var s *sftptest.TestServer
	s = r.to("acme", sftptest.ServerOptions{}, sftptest.Fault{Op: sftptest.OpClose, Path: ".a.*", Times: 1, Do: func() {
		r.must(os.WriteFile(filepath.Join(s.Dir, "in", "a"), []byte("their"), 0o600))
	}})
	r.drop("a", "ours")
	r.start()
	r.scan()
	r.await(EventHeld, "a", "acme")
	r.eventually("the temp is gone", func() bool { return len(temps(s)) == 0 })
	r.wantInbox("acme", map[string]string{"a": "their"})
}

// TestNobodysFileIsReplacedAtTheLastMoment has somebody put a file there between the look and the rename.
func TestNobodysFileIsReplacedAtTheLastMoment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var s *sftptest.TestServer
	s = r.to("acme", sftptest.ServerOptions{}, sftptest.Fault{Op: sftptest.OpRename, Path: "a", Times: 1, Do: func() {
		r.must(os.WriteFile(filepath.Join(s.Dir, "in", "a"), []byte("their"), 0o600))
	}})
	r.drop("a", "ours")
	r.once()
	r.await(EventHeld, "a", "acme")
	r.wantInbox("acme", map[string]string{"a": "their"})
}

// temps returns the names of temps at a server.
func temps(s *sftptest.TestServer) []string {
	all, _ := filepath.Glob(filepath.Join(s.Dir, "in", ".*"))
	return all
}

func TestAdoption(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		hashes  bool
		after   After
		content string        // at the server
		off     time.Duration // of its time from the local file's
		adopted bool
	}{
		{"the same content", true, Keep, "same", 48 * time.Hour, true},
		{"other content of the same size and time", true, Keep, "diff", 0, false},
		{"the same size and time, where nothing hashes", false, Keep, "diff", time.Second, true},
		{"the same content and another time, where nothing hashes", false, Keep, "same", time.Hour, true},
		{"other content of the same size, where nothing hashes", false, Keep, "diff", time.Hour, false},
		{"another size", true, Keep, "longer", 0, false},
		{"never where the source would be taken away", true, Archive, "same", 0, false},
		{"never where the source would be deleted", true, Delete, "same", 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.folder.After = row.after
			to := r.toHashing
			if !row.hashes {
				to = func(name string, faults ...sftptest.Fault) *sftptest.TestServer {
					return r.to(name, sftptest.ServerOptions{}, faults...)
				}
			}
			s := to("acme")
			print := r.drop("a", "same")
			theirs := filepath.Join(s.Dir, "in", "a")
			r.must(os.WriteFile(theirs, []byte(row.content), 0o600))
			at := print.Modified().Add(row.off)
			r.must(os.Chtimes(theirs, at, at))
			r.once()
			r.wantReceipts(0) // an adoption is none
			r.wantInbox("acme", map[string]string{"a": row.content})
			r.wantFolder(map[string]string{"a": "same"})
			if !row.adopted {
				r.await(EventHeld, "a", "acme")
				return
			}
			r.await(EventAdopted, "a", "acme")
			known := r.record("a").Known[0]
			if known.Owned || (known.SHA256 != nil) != (row.hashes || row.off > mtimeSlack) { // else by size and time
				t.Errorf("known as %+v", known)
			}
			r.drop("a", "newer")
			r.once()
			r.await(EventDelivered, "a", "acme")
			r.wantInbox("acme", map[string]string{"a": "newer"})
		})
	}
}

// TestCuts loses the connection at every request of a delivery, before it is carried out and before its reply.
func TestCuts(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"run", "once"} {
		for _, op := range []string{
			sftptest.OpOpen, sftptest.OpWrite, sftptest.OpFsync, sftptest.OpClose, sftptest.OpSetstat, sftptest.OpLstat, sftptest.OpRename,
		} {
			for _, cut := range []struct {
				name  string
				fault sftptest.Fault
			}{{"before", sftptest.CutOn(op)}, {"reply lost", sftptest.LoseReply(op)}} {
				t.Run(way+" "+op+" "+cut.name, func(t *testing.T) {
					t.Parallel()
					r := newRig(t)
					r.folder.After = Archive
					s := r.to("acme", sftptest.ServerOptions{}, cut.fault.On("*a*"))
					seen := sftptest.Observe(t, filepath.Join(s.Dir, "in"))
					r.drop("a", "content")
					if way == "once" {
						r.once()
					} else {
						r.deliver("a")
						r.await(EventArchived, "a", "")
						r.stop()
					}
					r.wantReceipts(1)
					r.wantInbox("acme", map[string]string{"a": "content"})
					wantSeen(r, seen, "a")
					if s.Faults.Hits() != 1 {
						t.Errorf("the fault was met %d times", s.Faults.Hits())
					}
					r.wantSent(map[string]string{"a": "content"})
					r.wantFolder(map[string]string{})
				})
			}
		}
	}
}

// TestAPartnerMayTakeAFileAtOnce publishes to one who leaves nothing to look at, and loses the reply too.
func TestAPartnerMayTakeAFileAtOnce(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		fault    sftptest.Fault
		evidence string
	}{
		{"all is well", sftptest.Fault{Op: sftptest.OpMkdir}, remote.ReadBack},
		{"the reply is lost", sftptest.LoseReply(sftptest.OpRename), remote.Inferred},
	} {
		for _, after := range []After{Archive, Delete} {
			t.Run(row.name+" "+string(after), func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				r.folder.After, r.folder.Verify = after, remote.Content
				s := r.to("acme", sftptest.ServerOptions{})
				taken := filepath.Join(s.Dir, "taken")
				r.must(os.Mkdir(taken, 0o755))
				s.Faults.Add(sftptest.VanishOnRename(taken).On("*a"), row.fault.On("*a"))
				r.drop("a", "content")
				r.once()
				r.wantReceipts(1)
				if got := r.receipts()[0].Proof.Evidence; got != row.evidence {
					t.Errorf("evidence %s, want %s", got, row.evidence)
				}
				wantTree(t, taken, map[string]string{"a": "content"})
				switch {
				case after == Archive:
					r.wantSent(map[string]string{"a": "content"})
					r.wantFolder(map[string]string{})
				case row.evidence == remote.Inferred: // not enough to destroy the source
					r.wantFolder(map[string]string{"a": "content"})
				default:
					r.wantFolder(map[string]string{})
				}
				r.once()
				r.wantReceipts(1)
			})
		}
	}
}

func TestAnAmbiguousTempIsHeldWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.HoldAmbiguous = true
	r.to("acme", sftptest.ServerOptions{}, sftptest.VanishOnRename("").On("*a"), sftptest.LoseReply(sftptest.OpRename).On("*a"))
	r.drop("a", "content")
	r.once()
	r.await(EventHeld, "a", "acme")
	r.wantReceipts(0)
}
