package syncer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// newStory is a rig whose folder takes its files away, with one route that nothing is sent over.
func newStory(t *testing.T, after After) *rig {
	t.Helper()
	r := newRig(t)
	r.folder.After, r.folder.Verify = after, remote.Content
	r.route("acme", nowhere)
	return r
}

func (r *rig) takeAway(version string) {
	r.Helper()
	takeAway(r.Context(), r.store, r.folder, version, settledClock, r.events.observe)
}

// private is the operating system's path of the private name that a source is taken to.
func (r *rig) private(i *state.Intent) string {
	dir, base := filepath.Split(i.Path.In(r.root))
	return filepath.Join(dir, file.PrivateName(base, i.Version, file.TakenSuffix))
}

// wantClosed checks whether a version's intents are closed (T4), and whether its file is still known.
func (r *rig) wantClosed(i *state.Intent, closed, known bool) {
	r.Helper()
	all, _, err := r.store.VersionEnded(r.Context(), i.Version)
	r.must(err)
	if (len(all) == 0) != closed {
		r.Errorf("%d intents of the version are left, want closed %v", len(all), closed)
	}
	if got := len(r.record(string(i.Path)).Known) > 0; got != known {
		r.Errorf("the file is known: %v, want %v", got, known)
	}
}

func TestTakeAway(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		after     After
		evidence  string
		verify    remote.Demand
		folder    map[string]string // what is left there
		sent      map[string]string
		event     EventType
		forgotten bool
	}{
		{"archive", Archive, remote.RemoteHash, remote.Auto, nil, map[string]string{"sub/a.xml": "1"}, EventArchived, true},
		{"archive on the strength of a size", Archive, remote.SizeOnly, remote.Auto, nil, map[string]string{"sub/a.xml": "1"}, EventArchived, true},
		{"archive on an inference", Archive, remote.Inferred, remote.Auto, nil, map[string]string{"sub/a.xml": "1"}, EventArchived, true},
		{"delete after a remote hash", Delete, remote.RemoteHash, remote.Auto, nil, nil, EventDeleted, true},
		{"delete after reading back", Delete, remote.ReadBack, remote.Auto, nil, nil, EventDeleted, true},
		{"never delete on the strength of a size", Delete, remote.SizeOnly, remote.Auto, map[string]string{"sub/a.xml": "1"}, nil, "", false},
		{"delete on the strength of a size that was asked for", Delete, remote.SizeOnly, remote.Size, nil, nil, EventDeleted, true},
		{"never delete on an inference", Delete, remote.Inferred, remote.Size, map[string]string{"sub/a.xml": "1"}, nil, "", false},
		{"never delete on evidence of an unknown sort", Delete, "hearsay", remote.Size, map[string]string{"sub/a.xml": "1"}, nil, "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newStory(t, row.after)
			r.folder.Verify = row.verify
			i := r.delivered("sub/a.xml", "1", row.evidence)[0]
			r.takeAway(i.Version)
			r.wantFolder(orEmpty(row.folder))
			r.wantSent(orEmpty(row.sent))
			r.wantClosed(&i, true, !row.forgotten)
			if row.event != "" {
				if e := r.await(row.event, "sub/a.xml", ""); e.ID != i.ID || (row.after == Archive && e.Reason != r.at("sent/sub/a.xml")) {
					t.Errorf("event: %+v", e)
				}
			}
			r.wantNone(EventFailed)
			r.takeAway(i.Version) // there is nothing left to do
			if n := r.events.count(row.event); row.event != "" && n != 1 {
				t.Errorf("%d times %s", n, row.event)
			}
		})
	}
}

func orEmpty(files map[string]string) map[string]string {
	if files == nil {
		return map[string]string{}
	}
	return files
}

// TestWhatHasTakenThePlaceOfASourceIsNeverTouched has the producer change the file after it was delivered.
func TestWhatHasTakenThePlaceOfASourceIsNeverTouched(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		change func(r *rig)
		want   string
	}{
		{"replaced", func(r *rig) { r.drop("a", "new") }, "new"},
		{"replaced by the same content", func(r *rig) { r.drop("a", "old") }, "old"},
		{"written again", func(r *rig) { r.must(os.WriteFile(r.source("a"), []byte("new"), 0o600)) }, "new"},
		{"appended to", func(r *rig) { r.append("a", "!") }, "old!"},
		{"written again, with its time put back", func(r *rig) {
			at := r.print("a").Modified()
			r.must(os.WriteFile(r.source("a"), []byte("new"), 0o600))
			r.must(os.Chtimes(r.source("a"), at, at))
		}, "new"},
	} {
		for _, after := range []After{Archive, Delete} {
			t.Run(row.name+" "+string(after), func(t *testing.T) {
				t.Parallel()
				r := newStory(t, after)
				i := r.delivered("a", "old", remote.ReadBack)[0]
				row.change(r)
				r.takeAway(i.Version)
				r.wantFolder(map[string]string{"a": row.want})
				r.wantSent(map[string]string{})
				r.wantClosed(&i, true, true)
				if len(r.hints) != 1 {
					t.Errorf("%d hints, want 1: the new version is to be sent", len(r.hints))
				}
				r.wantNone(EventFailed, EventArchived, EventDeleted)
			})
		}
	}
}

// TestAttributesDoNotKeepASource has its mode changed after the delivery: the content tells that it is the same.
func TestAttributesDoNotKeepASource(t *testing.T) {
	t.Parallel()
	r := newStory(t, Delete)
	i := r.delivered("a", "1", remote.ReadBack)[0]
	r.must(os.Chmod(r.source("a"), 0o600))
	r.takeAway(i.Version)
	r.wantFolder(map[string]string{})
	r.wantClosed(&i, true, false)
}

// TestARacySourceIsComparedByContent changes it without a trace in its fingerprint.
func TestARacySourceIsComparedByContent(t *testing.T) {
	t.Parallel()
	r := newStory(t, Delete)
	r.options.Now = time.Now // so the fingerprint is racy
	r.drop("a", "old")
	at := r.print("a").Modified()
	r.must(os.WriteFile(r.source("a"), []byte("new"), 0o600))
	r.must(os.Chtimes(r.source("a"), at, at))
	i := r.planAs("a", r.print("a"))[0]
	proof := proofOf("old", remote.ReadBack, at) // of the content that was read under this fingerprint
	r.commit(&i, proof)
	r.deliverIntent(&i, proof)
	r.takeAway(i.Version)
	r.wantFolder(map[string]string{"a": "new"})
	if len(r.hints) != 1 {
		t.Errorf("%d hints, want 1", len(r.hints))
	}
}

// TestASourceReplacedAtTheLastMoment lets a producer replace the file over and over while it is taken away: whatever he has
// put there since the delivery is there in the end, or under its private name with an error that says so.
func TestASourceReplacedAtTheLastMoment(t *testing.T) {
	t.Parallel()
	r := newStory(t, Delete)
	kept := 0
	for n := range 60 {
		name := fmt.Sprintf("%02d", n)
		i := r.delivered(name, "old", remote.ReadBack)[0]
		next := r.at(name + ".next")
		r.must(os.WriteFile(next, []byte("new"), 0o600))
		var replaced sync.WaitGroup
		begin := make(chan struct{})
		replaced.Go(func() {
			<-begin
			if err := os.Rename(next, r.source(name)); err != nil {
				t.Error(err)
			}
		})
		close(begin)
		r.takeAway(i.Version)
		replaced.Wait()
		for _, where := range []string{r.source(name), r.private(&i)} {
			if content, err := os.ReadFile(where); err == nil && string(content) == "new" {
				kept++
			}
		}
	}
	if kept != 60 {
		t.Errorf("%d of 60 new files are left", kept)
	}
}

// TestASourceIsNotTakenFromItsWriter has somebody hold the file open for writing.
func TestASourceIsNotTakenFromItsWriter(t *testing.T) {
	t.Parallel()
	r := newStory(t, Archive)
	i := r.delivered("a", "1", remote.ReadBack)[0]
	f, err := os.OpenFile(r.source("a"), os.O_WRONLY, 0)
	r.must(err)
	r.takeAway(i.Version)
	r.must(f.Close())
	e := r.await(EventFailed, "a", "")
	if !errors.Is(e.Err, watcher.ErrBusy) {
		t.Skipf("this file system does not tell of writers: %v", e.Err)
	}
	r.wantFolder(map[string]string{"a": "1"})
	r.wantClosed(&i, false, true)
	if got := r.intent("a"); got.LastError != e.Reason {
		t.Errorf("the store says %q, the event %q", got.LastError, e.Reason)
	}
	r.takeAway(i.Version)
	r.wantFolder(map[string]string{})
	r.wantSent(map[string]string{"a": "1"})
}

// TestEveryRouteMustHaveIt takes nothing away that a route has yet to get, whatever the version's intents say.
func TestEveryRouteMustHaveIt(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		other func(r *rig, print file.Fingerprint) // what the other route has
		taken bool
	}{
		{"it has nothing", func(*rig, file.Fingerprint) {}, false},
		{"it has this very version", func(r *rig, p file.Fingerprint) { r.knows("globex", p, "1", remote.ReadBack) }, true},
		{"it has it with other attributes", func(r *rig, p file.Fingerprint) {
			p.ChangeTime--
			r.knows("globex", p, "1", remote.ReadBack)
		}, true},
		{"it has an earlier drop of the same content", func(r *rig, p file.Fingerprint) {
			p.Inode++
			r.knows("globex", p, "1", remote.ReadBack)
		}, false},
		{"it has other content under the fingerprint", func(r *rig, p file.Fingerprint) { r.knows("globex", p, "0", remote.ReadBack) }, false},
		{"it has it, and the evidence is weak", func(r *rig, p file.Fingerprint) { r.knows("globex", p, "1", remote.SizeOnly) }, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newStory(t, Delete)
			i := r.delivered("a", "1", remote.ReadBack)[0]
			row.other(r, i.Fingerprint)
			if len(r.folder.Routes) == 1 {
				r.route("globex", nowhere)
			}
			r.takeAway(i.Version)
			if _, err := os.Lstat(r.source("a")); (err != nil) != row.taken {
				t.Errorf("taken: %v, want %v", err != nil, row.taken)
			}
		})
	}
}

// knows lets a further route have delivered a file under a version that is closed.
func (r *rig) knows(destination string, print file.Fingerprint, content, evidence string) {
	r.Helper()
	r.route(destination, nowhere)
	one := r.folder.Routes
	r.folder.Routes = one[len(one)-1:]
	e := watcher.Entry{Path: "a", Kind: watcher.File, Ready: true, Fingerprint: print}
	c := Change{Path: "a", Destination: destination, Entry: e, Decision: Decision{Op: Upload, Reason: ReasonNew}}
	i := r.folder.newIntent(c, file.NewID(time.Now()), settledClock())
	_, err := r.store.Plan(r.Context(), []state.Plan{{Intent: i}})
	r.must(err)
	proof := proofOf(content, evidence, time.Now())
	r.commit(&i, proof)
	r.deliverIntent(&i, proof)
	r.must(r.store.CloseVersion(r.Context(), i.Version, false))
	r.folder.Routes = one
}

// TestAMissingDirectoryEndsTheStory has the producer remove a whole directory after the delivery; and the folder itself,
// which says nothing.
func TestAMissingDirectoryEndsTheStory(t *testing.T) {
	t.Parallel()
	r := newStory(t, Archive)
	i := r.delivered("sub/a", "1", remote.ReadBack)[0]
	j := r.delivered("b", "2", remote.ReadBack)[0]
	r.must(os.RemoveAll(r.source("sub")))
	r.takeAway(i.Version)
	r.wantClosed(&i, true, false)
	r.must(os.RemoveAll(r.root))
	r.takeAway(j.Version)
	r.wantClosed(&j, false, true)
	r.wantNone(EventFailed, EventArchived)
}

// TestATakeawayIsDoneOnce is asked for from many sides at once.
func TestATakeawayIsDoneOnce(t *testing.T) {
	t.Parallel()
	r := newStory(t, Archive)
	s := New(r.options)
	const n = 30
	want := map[string]string{}
	for k := range n {
		name := fmt.Sprintf("%02d", k)
		want[name] = name
		i := r.delivered(name, name, remote.ReadBack)[0]
		begin := make(chan struct{})
		var asking sync.WaitGroup
		for range 4 {
			asking.Go(func() { <-begin; s.takeAway(context.Background(), r.folder, i.Version) })
		}
		close(begin)
		asking.Wait()
	}
	if got := r.events.count(EventArchived); got != n {
		t.Errorf("archived %d times, want %d", got, n)
	}
	r.wantNone(EventFailed)
	r.wantSent(want)
}

// TestARuleThatWasChangedFindsAnArchivePath has a file planned when the folder did not archive.
func TestARuleThatWasChangedFindsAnArchivePath(t *testing.T) {
	t.Parallel()
	r := newStory(t, Delete)
	i := r.delivered("a", "1", remote.ReadBack)[0]
	r.folder.After = Archive
	r.takeAway(i.Version)
	r.wantSent(map[string]string{"a": "1"})
}
