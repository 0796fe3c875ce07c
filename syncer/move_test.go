package syncer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// mirrorRig is a mirror that deletes, with one delivered file "old".
func mirrorRig(t *testing.T, content string, faults ...sftptest.Fault) (*rig, *sftptest.TestServer) {
	t.Helper()
	r := newRig(t)
	r.folder.Mirror, r.folder.Deletes = true, true
	s := r.to("acme", sftptest.ServerOptions{}, faults...)
	r.drop("old", content)
	r.once()
	r.wantReceipts(1)
	return r, s
}

// rename gives a local file another name.
func (r *rig) rename(from, to string) {
	r.Helper()
	r.must(os.MkdirAll(filepath.Dir(r.source(to)), 0o755))
	r.must(os.Rename(r.source(from), r.source(to)))
}

func (r *rig) written(s *sftptest.TestServer) int { return s.Faults.Calls(sftptest.OpWrite) }

// TestMoveIsARename gives a file of a mirror another name: no byte of it is sent again, and the receipt tells of it.
func TestMoveIsARename(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("content", 1000)
	r, s := mirrorRig(t, content)
	r.rename("old", "sub/deeper/new")
	before := r.written(s)
	r.once()
	r.wantInbox("acme", map[string]string{"sub/deeper/new": content})
	if n := r.written(s) - before; n != 0 {
		t.Errorf("%d writes", n)
	}
	all := r.receipts()
	if len(all) != 2 || all[1].Path != "sub/deeper/new" || all[1].Proof.Evidence != remote.ReadBack {
		t.Errorf("receipts: %+v", all)
	}
	if record := r.record("old"); len(record.Known) != 0 {
		t.Errorf("the old name is still known: %+v", record)
	}
	if k := r.record("sub/deeper/new").Known; len(k) != 1 || !k[0].Owned || k[0].RemotePath != "in/sub/deeper/new" {
		t.Errorf("known: %+v", k)
	}
	r.once()
	r.wantReceipts(2)
}

// TestNoMove sends a file that only looks like one that has moved, or whose old name holds something else.
func TestNoMove(t *testing.T) {
	t.Parallel()
	const content = "the content"
	for _, row := range []struct {
		name   string
		change func(r *rig, s *sftptest.TestServer)
		inbox  map[string]string
	}{
		{"the mirror removes nothing", func(r *rig, _ *sftptest.TestServer) {
			r.folder.Deletes = false
			r.rename("old", "new")
		}, map[string]string{"old": content, "new": content}},
		{"a hard link", func(r *rig, _ *sftptest.TestServer) {
			r.must(os.Link(r.source("old"), r.source("new")))
		}, map[string]string{"old": content, "new": content}},
		{"changed at the server", func(r *rig, s *sftptest.TestServer) {
			r.must(os.WriteFile(s.Dir+"/in/old", []byte("somebody's"), 0o644))
			r.rename("old", "new")
		}, map[string]string{"old": "somebody's", "new": content}},
		{"gone from the server", func(r *rig, s *sftptest.TestServer) {
			r.must(os.Remove(s.Dir + "/in/old"))
			r.rename("old", "new")
		}, map[string]string{"new": content}},
		{"rewritten with its time kept", func(r *rig, _ *sftptest.TestServer) {
			info, err := os.Stat(r.source("old"))
			r.must(err)
			r.must(os.WriteFile(r.source("old"), []byte("THE CONTENT"), 0o644))
			r.must(os.Chtimes(r.source("old"), info.ModTime(), info.ModTime()))
			r.rename("old", "new")
		}, map[string]string{"old": content, "new": "THE CONTENT"}},
		{"changed at the server, with its size and time kept", func(r *rig, s *sftptest.TestServer) {
			info, err := os.Stat(s.Dir + "/in/old")
			r.must(err)
			r.must(os.WriteFile(s.Dir+"/in/old", []byte("THE CONTENT"), 0o644))
			r.must(os.Chtimes(s.Dir+"/in/old", info.ModTime(), info.ModTime()))
			r.rename("old", "new")
		}, map[string]string{"old": "THE CONTENT", "new": content}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r, s := mirrorRig(t, content)
			row.change(r, s)
			r.once()
			r.wantInbox("acme", row.inbox)
			if i := r.record("new").Intents; len(i) != 0 {
				t.Errorf("left: %+v", i)
			}
		})
	}
}

// TestNoMoveWithoutProof sends a large file again where proof is wanted, and nothing hashes it.
func TestNoMoveWithoutProof(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("large", readToRename/4)
	r, _ := mirrorRig(t, content)
	r.folder.Verify = remote.Content
	r.rename("old", "new")
	r.once()
	r.wantInbox("acme", map[string]string{"old": content, "new": content})
}

// TestNoMoveFromWhatDoesNotShow has a file system unmounted in the mirror, and a file like one of its own elsewhere: that is
// no sign that the one on it has moved. What lies there stays at the server.
func TestNoMoveFromWhatDoesNotShow(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"small", strings.Repeat("large", leastCopy)} {
		for _, away := range []string{"", "another file system", "the same one by another name"} {
			mounted := away == ""
			r := newRig(t)
			r.mirrors("")
			s := r.to("acme", sftptest.ServerOptions{})
			r.drop("usb/x", content)
			r.once()
			if away == "another file system" {
				r.renumber("usb/x")
			}
			if away == "the same one by another name" {
				r.must(r.store.SaveMounts(t.Context(), r.folder.Name, r.root, []file.Path{"usb"}))
			}
			r.rename("usb/x", "new")
			r.gone("usb")
			before := r.written(s)
			r.once()
			want := map[string]string{"new": content}
			if !mounted {
				want["usb/x"] = content
			}
			r.wantInbox("acme", want)
			if moved := r.written(s) == before; moved != mounted {
				t.Errorf("%d bytes, away %q: moved %v", len(content), away, moved)
			}
		}
	}
}

// TestMoveOverSomebodysFile holds, and leaves both as they are.
func TestMoveOverSomebodysFile(t *testing.T) {
	t.Parallel()
	r, s := mirrorRig(t, "ours")
	r.must(os.WriteFile(s.Dir+"/in/new", []byte("somebody's"), 0o644))
	r.rename("old", "new")
	r.once()
	r.wantInbox("acme", map[string]string{"old": "ours", "new": "somebody's"})
	if i := r.intent("new"); i.Phase != state.Held {
		t.Errorf("the new name: %+v", i)
	}
}

// TestMoveThatWasCutOff loses the connection at the rename, before and after it is carried out; or somebody takes the old
// name meanwhile, which is no sign of success.
func TestMoveThatWasCutOff(t *testing.T) {
	t.Parallel()
	const content = "the content"
	lateCut := sftptest.LoseReply(sftptest.OpRename).On("new")
	for name, fault := range map[string]sftptest.Fault{
		"before": sftptest.CutOn(sftptest.OpRename).On("new"), "after": lateCut,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, s := mirrorRig(t, content)
			s.Faults.Add(fault)
			r.rename("old", "new")
			before := r.written(s)
			r.once()
			r.wantInbox("acme", map[string]string{"new": content})
			r.wantReceipts(2)
			if r.written(s) != before {
				t.Error("it was sent")
			}
		})
	}
	t.Run("taken", func(t *testing.T) {
		t.Parallel()
		r, s := mirrorRig(t, content)
		cut := sftptest.CutOn(sftptest.OpRename).On("new")
		cut.Do = func() { _ = os.Remove(s.Dir + "/in/old") } // the test sees what becomes of it
		s.Faults.Add(cut)
		r.rename("old", "new")
		r.once()
		r.wantInbox("acme", map[string]string{"new": content})
		r.wantReceipts(2)
		for _, d := range r.receipts() {
			if d.Proof.Evidence == remote.Inferred {
				t.Errorf("taken for published: %+v", d)
			}
		}
	})
}

// TestMoveIntoADirectoryOfItsOldName has a file's old name become the directory that it lies in now: no server can rename it
// there, and what was begun so is sent.
func TestMoveIntoADirectoryOfItsOldName(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("content", leastCopy)
	for _, begun := range []bool{false, true} {
		t.Run(fmt.Sprintf("begun %v", begun), func(t *testing.T) {
			t.Parallel()
			r, s := mirrorRig(t, content)
			r.folder.MaxDelete = 1
			r.rename("old", "aside")
			r.rename("aside", "old/new")
			if begun {
				i := r.planAs("old/new", r.print("old/new"))[0]
				if ok, err := r.store.SetMovedFrom(t.Context(), i.ID, "old"); !ok || err != nil {
					t.Fatal(ok, err)
				}
				proof := proofOf(content, remote.ReadBack, i.Fingerprint.Modified())
				proof.HostKey = s.Fingerprint()
				r.commit(&i, proof)
			}
			for range 3 { // two scans miss a file before it is removed, and what moves is not missed
				r.once()
			}
			r.wantInbox("acme", map[string]string{"old/new": content})
			if i := r.record("old/new").Intents; len(i) != 0 {
				t.Errorf("left: %+v", i)
			}
		})
	}
}

// TestMoveToTheNameOfItsDirectory has a file take the place of the directory that it was in: the old one is removed, with the directory,
// and it is sent.
func TestMoveToTheNameOfItsDirectory(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("content", leastCopy)
	r, _ := mirrorRig(t, "stays")
	r.folder.MaxDelete = 2
	r.drop("dir/f", content)
	r.once()
	r.rename("dir/f", "aside")
	r.gone("dir")
	r.rename("aside", "dir")
	for range 5 { // first the file goes, then the directory
		r.once()
	}
	r.wantInbox("acme", map[string]string{"old": "stays", "dir": content})
	if i := r.record("dir").Intents; len(i) != 0 {
		t.Errorf("left: %+v", i)
	}
}

// TestInTheWayAndGone has what stood where a directory is needed removed just before it is asked what it was: that parks nothing.
func TestInTheWayAndGone(t *testing.T) {
	t.Parallel()
	r, s := mirrorRig(t, "the content")
	way := s.Dir + "/in/way"
	r.must(os.WriteFile(way, []byte("somebody's"), 0o644))
	s.Faults.Add(sftptest.Fault{Op: sftptest.OpLstat, Path: "way", Times: 1, Do: func() { _ = os.Remove(way) }})
	r.drop("way/new", "new")
	r.once()
	r.once()
	r.wantInbox("acme", map[string]string{"old": "the content", "way/new": "new"})
}

// TestInTheWayUntilItIsRemoved has a file wait for an hour after it was refused its directory: it goes as soon as what stood there is
// removed.
func TestInTheWayUntilItIsRemoved(t *testing.T) {
	t.Parallel()
	r, _ := mirrorRig(t, "the content")
	r.folder.MaxDelete, r.folder.Retry.Initial, r.folder.Retry.Max = 1, time.Hour, time.Hour
	r.gone("old")
	r.plan("old/new", "new")
	r.start()
	r.await(EventFailed, "old/new", "acme")
	r.scan() // misses the old one
	r.scan()
	r.await(EventDelivered, "old/new", "acme")
	r.wantInbox("acme", map[string]string{"old/new": "new"})
}

// TestSwappedNames sends both.
func TestSwappedNames(t *testing.T) {
	t.Parallel()
	r, _ := mirrorRig(t, "first")
	r.drop("other", "second")
	r.once()
	r.rename("old", "third")
	r.rename("other", "old")
	r.rename("third", "other")
	r.once()
	r.wantInbox("acme", map[string]string{"old": "second", "other": "first"})
}

// TestOldNameDroppedAnew cuts a move off and drops another file under the old name: neither is taken for the other.
func TestOldNameDroppedAnew(t *testing.T) {
	t.Parallel()
	const content = "the content"
	for name, fault := range map[string]sftptest.Fault{
		"before": sftptest.CutOn(sftptest.OpRename).On("new"), "after": sftptest.LoseReply(sftptest.OpRename).On("new"),
	} {
		for _, now := range []string{"ANOTHER ONE", "another, longer one"} {
			t.Run(name+" "+now, func(t *testing.T) {
				t.Parallel()
				r, s := mirrorRig(t, content)
				cut := fault // of this test alone
				cut.Do = func() { r.planAs("old", r.drop("old", now)) }
				s.Faults.Add(cut)
				r.rename("old", "new")
				r.once()
				r.once()
				r.wantInbox("acme", map[string]string{"new": content, "old": now})
			})
		}
	}
}
