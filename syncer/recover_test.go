package syncer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// What becomes of an intent after T2.
const (
	renamed   = "renamed now"                     // the temp is published by this recovery
	confirmed = "published before"                // and nothing but the receipt was missing
	inferred  = "published before and taken"      //
	resent    = "not published, and sent again"   //
	kept      = "held for a person"               //
	untold    = "not a question to such a server" //
)

// TestRecovery takes up an intent after T2, with every sort of remnant at the server. Yesterday's delivery of the same
// name may have had the same content, as daily trigger files have.
func TestRecovery(t *testing.T) {
	t.Parallel()
	const (
		content = "today's"
		other   = "else's!" // of the same size
	)
	today := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	yesterday, elsewhen := today.AddDate(0, 0, -1), today.Add(5*time.Hour)
	type at struct {
		content string
		time    time.Time
	}
	nothing, temp := at{}, at{content, today}
	rows := []struct {
		name              string
		temp, final       at
		last              at     // our last receipt for the name
		hashing, hashless string // what becomes of it, at a server that hashes and at one that does not
	}{
		{"not renamed", temp, nothing, nothing, renamed, renamed},
		{"not renamed, over yesterday's", temp, at{other, yesterday}, at{other, yesterday}, renamed, renamed},
		{"not renamed, over the same of yesterday", temp, at{content, yesterday}, at{content, yesterday}, renamed, renamed},
		{"not renamed, over the same of the same time", temp, at{content, today}, at{content, today}, renamed, renamed},
		{"not renamed, over another of the same time", temp, at{other, today}, at{other, today}, renamed, renamed},
		{"not renamed, yesterday's was taken", temp, nothing, at{content, yesterday}, renamed, renamed},
		{"linked and not unlinked", temp, at{content, today}, nothing, confirmed, confirmed},
		{"linked and not unlinked, after another of yesterday", temp, at{content, today}, at{other, yesterday}, confirmed, confirmed},
		{"linked and not unlinked, after the same of yesterday", temp, at{content, today}, at{content, yesterday}, confirmed, confirmed},
		{"linked and not unlinked, and its time was changed", temp, at{content, elsewhen}, nothing, confirmed, confirmed},
		{"not renamed, and somebody's file is there", temp, at{other, elsewhen}, nothing, kept, kept},
		{"not renamed, and somebody replaced yesterday's", temp, at{other, elsewhen}, at{content, yesterday}, kept, kept},
		{"not renamed, and somebody's file has our size and time", temp, at{other, today}, nothing, kept, untold},
		{"the temp is damaged", at{other, today}, nothing, nothing, resent, resent},
		{"the temp is cut short", at{"tod", today}, nothing, nothing, resent, resent},
		{"the temp is cut short, over yesterday's", at{"tod", today}, at{other, yesterday}, at{other, yesterday}, resent, resent},

		{"renamed", nothing, at{content, today}, nothing, confirmed, confirmed},
		{"renamed over yesterday's", nothing, at{content, today}, at{other, yesterday}, confirmed, confirmed},
		{"renamed over the same of yesterday", nothing, at{content, today}, at{content, yesterday}, confirmed, confirmed},
		{"renamed over the same of the same time", nothing, at{content, today}, at{content, today}, confirmed, confirmed},
		{"renamed, and its time was changed", nothing, at{content, elsewhen}, nothing, confirmed, confirmed},
		{"renamed over the same, and its time was changed", nothing, at{content, elsewhen}, at{content, yesterday}, confirmed, confirmed},
		{"renamed over another of the same time", nothing, at{content, today}, at{other, today}, confirmed, confirmed},
		{"a cleaner took the temp, another of the same time stands", nothing, at{other, today}, at{other, today}, resent, resent},
		{"renamed and taken", nothing, nothing, nothing, inferred, inferred},
		{"renamed over yesterday's and taken", nothing, nothing, at{content, yesterday}, inferred, inferred},
		{"renamed and replaced by somebody", nothing, at{other, elsewhen}, nothing, kept, kept},
		{"a cleaner took the temp, yesterday's stands", nothing, at{other, yesterday}, at{other, yesterday}, resent, resent},
		{"a cleaner took the temp, the same of yesterday stands", nothing, at{content, yesterday}, at{content, yesterday}, resent, resent},
	}
	for _, hashes := range []bool{true, false} {
		t.Run(map[bool]string{true: "hashing", false: "hashless"}[hashes], func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.folder.After, r.folder.Verify = Archive, remote.Content
			s := r.toFake()
			s.hashes = hashes
			intents := make([]state.Intent, len(rows))
			for n, row := range rows {
				name := fmt.Sprintf("%02d", n)
				if row.last != nothing {
					r.receipt(name, row.last.content, row.last.time)
				}
				i := r.plan(name, content)[0]
				if row.temp != nothing {
					s.put(i.Temp, row.temp.content, row.temp.time)
				}
				if row.final != nothing {
					s.put(i.Final, row.final.content, row.final.time)
				}
				r.commit(&i, proofOf(content, remote.ReadBack, today))
				intents[n] = i
			}
			became := r.recovered(s)
			for n, row := range rows {
				i, want := &intents[n], row.hashing
				if !hashes {
					want = row.hashless
				}
				if want == untold {
					continue
				}
				if got := became[string(i.Path)]; got != want {
					t.Errorf("%s: %s, want %s", row.name, got, want)
				}
				_, err := os.Lstat(r.source(string(i.Path)))
				if stays := err == nil; stays != (want == kept) {
					t.Errorf("%s: the source stays: %v", row.name, stays)
				}
				if want == kept {
					continue
				}
				if final, ok := s.content(i.Final); (ok && final != content) || ok == (want == inferred) {
					t.Errorf("%s: at the final name: %q, %v", row.name, final, ok)
				}
				if left := s.names(i.ID); len(left) != 0 {
					t.Errorf("%s: left over: %v", row.name, left)
				}
			}
		})
	}
}

// toFake adds a route to a server in memory that was probed before.
func (r *rig) toFake() *fakeServer {
	r.Helper()
	s := newFakeServer()
	r.route("acme", s.dial)
	r.must(r.store.SaveCapabilities(r.Context(), "acme", s.identity, fmt.Appendf(nil, `{"version":%d,"posix_rename":true,"set_times":true,"rename_refuses":true}`, remote.ProbeVersion)))
	return s
}

// receipt leaves nothing of an earlier delivery but the receipt.
func (r *rig) receipt(name, content string, at time.Time) {
	r.Helper()
	r.receiptOf(name, r.drop(name, content), content, at)
}

func (r *rig) receiptOf(name string, print file.Fingerprint, content string, at time.Time) {
	r.Helper()
	i := r.planAs(name, print)[0]
	proof := proofOf(content, remote.ReadBack, at)
	r.commit(&i, proof)
	r.deliverIntent(&i, proof)
	r.must(r.store.CloseVersion(r.Context(), i.Version, true))
}

// recovered runs once and tells what became of each file.
func (r *rig) recovered(s *fakeServer) map[string]string {
	r.Helper()
	return r.recoveredFrom(s, func(string, string) error { return nil })
}

// recoveredFrom does so at a server that refuses something.
func (r *rig) recoveredFrom(s *fakeServer, refuse func(op, name string) error) map[string]string {
	r.Helper()
	var mu sync.Mutex
	renames := map[string]bool{}
	s.refuse = func(op, name string, _ func()) error {
		mu.Lock()
		defer mu.Unlock()
		renames[name] = renames[name] || op == "rename"
		return refuse(op, name)
	}
	before := len(r.receipts())
	r.once()
	became := map[string]string{}
	for _, d := range r.receipts()[before:] {
		name := string(d.Path)
		switch {
		case became[name] != "":
			became[name] = "delivered twice"
		case d.Proof.Evidence == remote.Inferred:
			became[name] = inferred
		case r.events.happened(EventStarted, name):
			became[name] = resent
		case renames[d.RemotePath]:
			became[name] = renamed
		default:
			became[name] = confirmed
		}
	}
	for _, e := range r.events.of(EventHeld) {
		became[string(e.Path)] += kept
	}
	return became
}

// TestWhatAVanishedTempMeans infers a publication only where nothing speaks against it.
func TestWhatAVanishedTempMeans(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		set  func(r *rig, s *fakeServer)
		want string
	}{
		{"the same server and account", func(*rig, *fakeServer) {}, inferred},
		{"the folder wants to be asked", func(r *rig, _ *fakeServer) { r.folder.HoldAmbiguous = true }, kept},
		{"another host key", func(_ *rig, s *fakeServer) { s.hostKey = "SHA256:other" }, kept},
		{"another account or server software", func(_ *rig, s *fakeServer) { s.identity = "other" }, kept},
		{"one of two servers of the same key", func(r *rig, _ *fakeServer) {
			r.must(r.store.SaveCapabilities(r.Context(), "acme", "other", []byte("{}")))
		}, inferred},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.toFake()
			i := r.plan("a", "content")[0]
			r.commit(&i, proofOf("content", remote.ReadBack, time.Now()))
			row.set(r, s)
			if got := r.recovered(s)["a"]; got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

// TestATempThatAPowerCutHasChanged is proved again where the server syncs nothing, by whatever means it was proved before: it
// has lost what lay in its memory. Where that cannot be proved, the file is sent again.
func TestATempThatAPowerCutHasChanged(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name             string
		syncs, writeOnly bool
		temp             string
		want             string
		evidence         string
	}{
		{"unchanged", false, false, "content", renamed, remote.ReadBack},
		{"full of zeroes", false, false, strings.Repeat("\x00", 7), resent, remote.SizeOnly},
		{"not to be read", false, true, "content", resent, remote.SizeOnly},
		{"on the disk of a server that syncs", true, true, "content", renamed, remote.SizeOnly},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := newFakeServer()
			s.writeOnly = row.writeOnly
			r.route("acme", s.dial)
			can := fmt.Sprintf(`{"version":%d,"posix_rename":true,"set_times":true,"rename_refuses":true,"fsync":%v}`, remote.ProbeVersion, row.syncs)
			r.must(r.store.SaveCapabilities(t.Context(), "acme", s.identity, []byte(can)))
			i := r.plan("a", "content")[0]
			s.put(i.Temp, row.temp, i.Fingerprint.Modified())
			r.commit(&i, proofOf("content", remote.SizeOnly, i.Fingerprint.Modified()))
			if got := r.recovered(s)["a"]; got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
			if got, _ := s.content("in/a"); got != "content" {
				t.Errorf("%q was published", got)
			}
			if got := r.receipts()[0].Proof.Evidence; got != row.evidence {
				t.Errorf("the receipt says %s, want %s", got, row.evidence)
			}
			if left := s.names(i.ID); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

// TestAFinalFileThatCannotBeReadBackIsHeld has an inbox that may be written to only, at a server that hashes nothing.
func TestAFinalFileThatCannotBeReadBackIsHeld(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.toFake()
	s.writeOnly = true
	i := r.plan("a", "content")[0]
	s.put(i.Final, "content", time.Now().Add(-time.Hour))
	r.commit(&i, proofOf("content", remote.SizeOnly, time.Now()))
	if got := r.recovered(s)["a"]; got != kept {
		t.Errorf("%s, want %s", got, kept)
	}
}

// TestAReplacementInTwoStepsIsMended finds the old version aside, at a server without posix-rename.
func TestAReplacementInTwoStepsIsMended(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		temp  bool // the crash came before the new version took the place
		final bool
		want  string
	}{
		{"the old version is aside", true, false, renamed},
		{"the new one has taken its place", false, true, confirmed},
		{"and was taken", false, false, inferred},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := newFakeServer()
			s.posix = false
			r.route("acme", s.dial)
			r.must(r.store.SaveCapabilities(t.Context(), "acme", s.identity, fmt.Appendf(nil, `{"version":%d,"set_times":true}`, remote.ProbeVersion)))
			yesterday := time.Now().AddDate(0, 0, -1)
			r.receipt("a", "old", yesterday)
			i := r.plan("a", "new")[0]
			at := i.Fingerprint.Modified()
			s.put(remote.BackupName(i.Temp), "old", yesterday)
			if row.temp {
				s.put(i.Temp, "new", at)
			}
			if row.final {
				s.put(i.Final, "new", at)
			}
			r.commit(&i, proofOf("new", remote.ReadBack, at))
			if got := r.recovered(s)["a"]; got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
			if left := s.names(i.ID); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

// TestAServerThatSetsTimesWhenItRenames is recognised by the time that it set: object stores do so.
func TestAServerThatSetsTimesWhenItRenames(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newFakeServer()
	s.keepsTimes = false
	clock := time.Now()
	s.now = func() time.Time { clock = clock.Add(time.Minute); return clock }
	r.route("acme", s.dial)
	for n := range 3 {
		r.drop("a", fmt.Sprintf("version %d", n))
		r.once()
		r.wantReceipts(n + 1)
	}
	r.wantNone(EventHeld, EventFailed)
}

// TestTheTempOfACommittingIntentIsNeverRemoved fails the rename in every way that leaves it undone: the temp is the
// witness, and without it the file would count as published.
func TestTheTempOfACommittingIntentIsNeverRemoved(t *testing.T) {
	t.Parallel()
	for _, kind := range []remote.Kind{remote.DiskFull, remote.Root, remote.Permission, remote.Refused, remote.Missing, remote.Unsupported, remote.Exists, remote.Transient} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.toFake()
			var id string
			var lost error
			s.refuse = func(op, name string, cut func()) error {
				switch {
				case op == "rename":
					if kind == remote.Transient {
						cut()
						return nil
					}
					return problem(op, name, kind, errCut)
				case op == "remove" && isTemp(name):
					i, found, err := r.store.Intent(t.Context(), id)
					if err != nil || (found && i.Phase == state.Committing) {
						lost = fmt.Errorf("%s was removed while the intent was %s: %w", name, i.Phase, err)
					}
				}
				return nil
			}
			id = r.plan("a", "content")[0].ID
			r.once()
			if lost != nil {
				t.Error(lost)
			}
			r.wantReceipts(0)
			s.refuse = nil
			if i := r.intent("a"); i.Phase != state.Planned && i.Phase != state.Committing {
				if ok, err := r.store.Release(t.Context(), id); !ok || err != nil {
					t.Fatal(ok, err)
				}
			}
			r.once()
			r.wantReceipts(1)
			if got, _ := s.content("in/a"); got != "content" {
				t.Errorf("%q was published", got)
			}
			if got := r.receipts()[0].Proof.Evidence; got == remote.Inferred {
				t.Error("a publication was inferred that never was")
			}
		})
	}
}

// TestTwoNamesOfOneFile has a crash between the link and the unlink of a rename, and yesterday's delivery the same in all
// that a server shows: the rename that makes sure does nothing then, and the temp must not stay.
func TestTwoNamesOfOneFile(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.After = Archive
	s := r.toHashing("acme")
	print := r.drop("a", "go")
	r.receiptOf("a", print, "go", print.Modified())
	i := r.planAs("a", print)[0]
	r.uploaded(s, &i)
	r.must(os.Link(filepath.Join(s.Dir, i.Temp), filepath.Join(s.Dir, i.Final)))
	r.once()
	r.wantReceipts(2)
	r.wantInbox("acme", map[string]string{"a": "go"})
}
