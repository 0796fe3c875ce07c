package syncer

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// foldingRig is a mirror at a server that does not tell names apart by case.
func foldingRig(t *testing.T, deletes bool, o sftptest.ServerOptions, faults ...sftptest.Fault) (*rig, *sftptest.TestServer) {
	t.Helper()
	r := newRig(t)
	if o.SameName == nil {
		o.SameName = strings.ToLower
	}
	s := r.to("acme", o, faults...)
	r.mirrors("in/.trash")
	r.folder.Deletes = deletes
	return r, s
}

// wantNames compares the server's files but for the trash with those wanted.
func (r *rig) wantNames(s *sftptest.TestServer, want map[string]string) {
	r.Helper()
	r.must(os.RemoveAll(s.Dir + "/in/.trash"))
	r.wantInbox("acme", want)
}

// TestCaseOnlyRename gives a file another spelling of its name, at a server that takes both for one: it gets that there too, no
// byte is sent, and nothing is removed, however often somebody looks.
func TestCaseOnlyRename(t *testing.T) {
	t.Parallel()
	for _, deletes := range []bool{true, false} {
		for _, hashes := range []bool{true, false} {
			t.Run(fmt.Sprintf("deletes %v, hashes %v", deletes, hashes), func(t *testing.T) {
				t.Parallel()
				var o sftptest.ServerOptions
				if hashes {
					o.CheckFile = &sftptest.CheckFile{Draft: true}
				}
				r, s := foldingRig(t, deletes, o)
				content := strings.Repeat("content", 1000)
				r.drop("stays", "x")
				r.drop("a.txt", content)
				r.drop("Sub/b", "b")
				r.once()
				before := r.written(s)
				r.rename("a.txt", "A.txt")
				r.rename("Sub", "sub")
				r.thrice()
				if n := r.written(s) - before; n != 0 {
					t.Errorf("%d writes", n)
				}
				sub := map[bool]string{true: "sub", false: "Sub"}[deletes] // a directory is left where nothing is removed
				r.wantNames(s, map[string]string{"stays": "x", "A.txt": content, sub + "/b": "b"})
				r.wantReceipts(5)
				if n := len(r.removals()); n != 0 {
					t.Errorf("%d removals", n)
				}
				for _, name := range []string{"a.txt", "Sub/b"} {
					if k := r.record(name).Known; len(k) != 0 {
						t.Errorf("still known: %+v", k)
					}
				}
				if k := r.record("A.txt").Known; len(k) != 1 || !k[0].Owned || k[0].RemotePath != "in/A.txt" {
					t.Errorf("known: %+v", k)
				}
			})
		}
	}
}

// TestCaseOnlyRenameThatWasCutOff loses the connection around each of its two renames.
func TestCaseOnlyRenameThatWasCutOff(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 2; n++ {
		for name, cut := range map[string]func(string) sftptest.Fault{"before": sftptest.CutOn, "after": sftptest.LoseReply} {
			t.Run(fmt.Sprintf("%s %d", name, n), func(t *testing.T) {
				t.Parallel()
				r, s := foldingRig(t, true, sftptest.ServerOptions{})
				r.drop("stays", "x")
				r.drop("a.txt", "content")
				r.once()
				s.Faults.Add(cut(sftptest.OpRename).Skip(n - 1))
				r.rename("a.txt", "A.txt")
				before := r.written(s)
				r.thrice()
				if r.written(s) != before {
					t.Error("it was sent")
				}
				r.wantNames(s, map[string]string{"stays": "x", "A.txt": "content"})
				if n := len(r.removals()); n != 0 {
					t.Errorf("%d removals", n)
				}
			})
		}
	}
}

// TestCaseOnlyRenameOfDirectories renames some within each other, an empty one, and one beside files of others, which go with it. A preview
// says so.
func TestCaseOnlyRenameOfDirectories(t *testing.T) {
	t.Parallel()
	r, s := foldingRig(t, true, sftptest.ServerOptions{})
	r.drop("stays", "x")
	r.drop("Top/Mid/Same/a", "a")
	r.drop("Top/b", "b")
	r.must(os.Mkdir(r.source("Empty"), 0o755))
	r.once()
	r.must(os.WriteFile(s.Dir+"/in/Top/theirs", []byte("t"), 0o600))
	before := r.written(s)
	r.rename("Top", "top")
	r.rename("top/Mid", "top/MID")
	r.rename("Empty", "EMPTY")
	r.once()
	told, all := r.preview(nil, r.entries())
	for i, o := range all {
		if o.Op != Rename || o.From == "" {
			t.Errorf("a preview tells %q", told[i])
		}
	}
	if len(all) != 3 {
		t.Errorf("a preview tells %q", told)
	}
	r.thrice()
	r.wantNames(s, map[string]string{"stays": "x", "top/MID/Same/a": "a", "top/b": "b", "top/theirs": "t"})
	if names := r.names(s.Dir + "/in"); !slices.Equal(names, []string{"EMPTY", "stays", "top"}) {
		t.Errorf("the server has %q", names)
	}
	if n := r.written(s) - before; n != 0 {
		t.Errorf("%d writes", n)
	}
	if n := r.events.count(EventRenamedDir); n != 3 || r.events.count(EventRemovedDir) != 0 {
		t.Errorf("%d directories were renamed\n%s", n, r.events)
	}
	if left := r.operations(); len(left) != 0 {
		t.Errorf("left to be done: %q", left)
	}
	r.rename("top", "Top") // and back
	r.thrice()
	r.wantNames(s, map[string]string{"stays": "x", "Top/MID/Same/a": "a", "Top/b": "b", "Top/theirs": "t"})
}

// names returns what a directory holds.
func (r *rig) names(dir string) (all []string) {
	r.Helper()
	entries, err := os.ReadDir(dir)
	r.must(err)
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// TestCaseOnlyRenameOfADirectoryThatWasCutOff loses the connection around each of the two renames of a directory: in the next session it has
// its name before a new file goes there.
func TestCaseOnlyRenameOfADirectoryThatWasCutOff(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 2; n++ {
		for name, cut := range map[string]func(string) sftptest.Fault{"before": sftptest.CutOn, "after": sftptest.LoseReply} {
			t.Run(fmt.Sprintf("%s %d", name, n), func(t *testing.T) {
				t.Parallel()
				r, s := foldingRig(t, true, sftptest.ServerOptions{})
				r.drop("stays", "x")
				r.drop("Sub/b", "b")
				r.once()
				r.rename("Sub", "sub")
				r.once()
				s.Faults.Add(cut(sftptest.OpRename).Skip(n - 1))
				r.once()
				r.drop("sub/new", "n")
				r.thrice()
				r.wantNames(s, map[string]string{"stays": "x", "sub/b": "b", "sub/new": "n"})
				if n := r.events.count(EventRenamedDir); n != 1 || len(r.operations()) != 0 {
					t.Errorf("renamed %d times, left to be done: %q", n, r.operations())
				}
			})
		}
	}
}

// TestDirectoryLeftUnderItsPrivateName is what a crash leaves between the two renames. The folder holds the directory no more by the next
// start: it is put back, and removed like any other.
func TestDirectoryLeftUnderItsPrivateName(t *testing.T) {
	t.Parallel()
	r, s := foldingRig(t, true, sftptest.ServerOptions{})
	r.drop("stays", "x")
	r.drop("Sub/b", "b")
	r.once()
	r.rename("Sub", "sub")
	r.once()
	r.must(New(r.options).Planner(r.folder.Name).Scan(t.Context(), slices.Values(r.entries())))
	all, err := r.store.Operations(t.Context(), "", "", 0)
	r.must(err)
	if len(all) != 1 || all[0].Step != state.StepRmdir || all[0].RemotePath != "in/Sub" {
		t.Fatalf("planned: %+v", all)
	}
	begun, err := r.store.BeginOperation(t.Context(), all[0].ID, "in/.Sub.aside.part")
	r.must(err)
	r.must(os.Rename(s.Dir+"/in/Sub", s.Dir+"/in/.Sub.aside.part"))
	r.gone("sub")
	r.thrice()
	r.thrice()
	if names := r.names(s.Dir + "/in"); !begun || !slices.Equal(names, []string{".trash", "stays"}) {
		t.Errorf("the server has %q", names)
	}
	if left := r.removals(); len(left) != 1 || left[0].Trash == "" || len(r.operations()) != 0 {
		t.Errorf("removed: %+v; left to be done: %q", left, r.operations())
	}
}

// TestCaseOnlyRenameOfAnotherFile has another file under the other spelling: it waits until the first has gone, where that is
// removed, and else for a person.
func TestCaseOnlyRenameOfAnotherFile(t *testing.T) {
	t.Parallel()
	for _, deletes := range []bool{true, false} {
		r, s := foldingRig(t, deletes, sftptest.ServerOptions{})
		r.drop("stays", "x")
		r.drop("a.txt", "old")
		r.once()
		r.gone("a.txt")
		r.drop("A.txt", "new")
		r.once()
		if in := r.intent("A.txt"); in.Phase != state.Held || !strings.Contains(in.LastError, `in/A.txt is the same name as in/a.txt to this server, and "a.txt"`) {
			t.Errorf("%+v", in)
		}
		r.thrice()
		if !deletes {
			r.wantNames(s, map[string]string{"stays": "x", "a.txt": "old"})
			if n := r.events.count(EventHeld); n > 2 {
				t.Errorf("held %d times", n)
			}
			_, err := r.store.Retry(t.Context(), state.Selection{ID: r.intent("A.txt").ID}, true)
			r.must(err)
			r.once()
		} else if all := r.removals(); len(all) != 1 || all[0].Path != "a.txt" || all[0].Trash == "" {
			t.Errorf("removals: %+v", all)
		}
		r.must(os.RemoveAll(s.Dir + "/in/.trash"))
		got, err := os.ReadFile(s.Dir + "/in/" + map[bool]string{true: "A.txt", false: "a.txt"}[deletes])
		if err != nil || string(got) != "new" {
			t.Errorf("deletes %v: the server has %q, %v", deletes, got, err)
		}
		if n := len(r.record("a.txt").Known); n != 0 {
			t.Error("what was replaced is still known")
		}
	}
}

// TestNameIsFreedByARemoval sends a file that was held because of another's name as soon as that one was removed: nobody needs to scan
// once more for that.
func TestNameIsFreedByARemoval(t *testing.T) {
	t.Parallel()
	r, s := foldingRig(t, true, sftptest.ServerOptions{})
	r.drop("stays", "x")
	r.drop("a.txt", "old")
	r.once()
	r.gone("a.txt")
	r.drop("A.txt", "new")
	r.once()
	if in := r.intent("A.txt"); in.Phase != state.Held {
		t.Fatalf("%+v", in)
	}
	r.once() // which removes the other one, and has scanned before
	r.wantNames(s, map[string]string{"stays": "x", "A.txt": "new"})
	if n := len(r.removals()); n != 1 {
		t.Errorf("%d removals", n)
	}
}

// goingStore is a store in which a.txt goes at the very moment at which another file is held for its name.
type goingStore struct {
	Store
	goes func()
}

func (s *goingStore) Plan(ctx context.Context, all []state.Plan) ([]state.PlanResult, error) {
	if slices.ContainsFunc(all, func(p state.Plan) bool { return p.Collides != "" }) {
		s.goes()
	}
	return s.Store.Plan(ctx, all)
}

func (s *goingStore) Fail(ctx context.Context, id string, f state.Failure) error {
	if f.Collides != "" {
		s.goes()
	}
	return s.Store.Fail(ctx, id, f)
}

// TestNameIsFreedWhileAFileIsHeld holds it for nothing: it goes at once. Whether it is the same file under another spelling the planner tells by its
// size, and the delivery by its content.
func TestNameIsFreedWhileAFileIsHeld(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"of another size", "new"} {
		r, s := foldingRig(t, false, sftptest.ServerOptions{})
		r.drop("a.txt", "old")
		r.once()
		went := 0
		r.options.Store = &goingStore{Store: r.store, goes: func() {
			went++
			r.must(os.Remove(s.Dir + "/in/a.txt"))
			o := state.Operation{Route: state.Route{Folder: "out", Destination: "acme"}, Path: "a.txt", RemotePath: "in/a.txt", Step: state.StepDelete, Upto: math.MaxInt64}
			r.must(r.store.Forgotten(t.Context(), &o))
		}}
		r.gone("a.txt")
		r.drop("A.txt", content)
		r.once()
		r.wantNames(s, map[string]string{"A.txt": content})
		if went != 1 {
			t.Errorf("%q: held %d times", content, went)
		}
	}
}

// TestNameIsFreedByThoseThatWait has one file wait for another that waits itself: when that leaves, and the name is free, it goes.
func TestNameIsFreedByThoseThatWait(t *testing.T) {
	t.Parallel()
	r, s := foldingRig(t, true, sftptest.ServerOptions{})
	r.drop("stays", "x")
	r.drop("dir/a.txt", "old")
	r.once()
	r.gone("dir/a.txt")
	r.drop("dir/A.txt", "second")
	r.once() // held for the first
	r.rename("dir", "DIR")
	r.plan("DIR/A.txt", "the third")
	if in := r.intent("DIR/A.txt"); in.Phase != state.Held || !strings.Contains(in.LastError, `"dir/A.txt"`) {
		t.Fatalf("%+v", in)
	}
	r.once() // the second is dropped, and the first removed
	if in := r.record("DIR/A.txt").Intents; len(in) > 0 {
		t.Errorf("%+v", in)
	}
	r.wantNames(s, map[string]string{"stays": "x", "dir/A.txt": "the third"}) // the directory gets its other spelling later
}

// TestNameIsFreedByAMove has a file wait for the name of one that gets another name at the server.
func TestNameIsFreedByAMove(t *testing.T) {
	t.Parallel()
	r, s := foldingRig(t, true, sftptest.ServerOptions{})
	content := strings.Repeat("content", 1000)
	r.drop("a.txt", content)
	r.once()
	r.rename("a.txt", "b.txt")
	r.drop("A.txt", "new")
	r.once()
	r.wantNames(s, map[string]string{"A.txt": "new", "b.txt": content})
}

// TestNamesThatCollide are those of two files here and of one there: the second is held, whatever is done about somebody
// else's files, and goes when the first has gone.
func TestNamesThatCollide(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name          string
		same          func(string) string
		first, second string
		contents      [2]string
	}{
		{"case", strings.ToLower, "A.txt", "a.txt", [2]string{"one", "two"}},
		{"case, of the same content", strings.ToLower, "A.txt", "a.txt", [2]string{"one", "one"}},
		{"form", norm.NFD.String, "cafe\u0301", "caf\u00e9", [2]string{"one", "two"}},
	} {
		for _, on := range []OnConflict{HoldConflict, OverwriteConflict, KeepBothConflict} {
			for _, known := range []bool{true, false} { // that the server folds names, before the files are there
				t.Run(fmt.Sprintf("%s, %s, %v", row.name, on, known), func(t *testing.T) {
					t.Parallel()
					r, s := foldingRig(t, true, sftptest.ServerOptions{SameName: row.same})
					r.folder.OnConflict = on
					r.drop("stays", "x")
					if known {
						r.once()
					}
					r.drop(row.first, row.contents[0])
					r.drop(row.second, row.contents[1])
					r.thrice()
					names := []string{row.first, row.second}
					held := slices.IndexFunc(names, func(name string) bool { return len(r.record(name).Intents) > 0 })
					if held < 0 {
						t.Fatal("neither is held")
					}
					sent := 1 - held
					if known && sent != 0 {
						t.Error("the one that was planned first is held")
					}
					if in := r.intent(names[held]); in.Phase != state.Held {
						t.Errorf("%+v", in)
					}
					r.wantNames(s, map[string]string{"stays": "x", names[sent]: row.contents[sent]})
					if n := len(r.removals()); n != 0 {
						t.Errorf("%d removals", n)
					}
					r.gone(names[sent])
					r.thrice()
					r.thrice()
					r.wantNames(s, map[string]string{"stays": "x", names[held]: row.contents[held]})
					if n := len(r.record(names[held]).Intents); n != 0 {
						t.Errorf("%+v", r.record(names[held]).Intents)
					}
				})
			}
		}
	}
}

// TestRemovalOfANamesake leaves the only copy of another file where it is, that was adopted before anybody knew that the server
// folds names.
func TestRemovalOfANamesake(t *testing.T) {
	t.Parallel()
	r, s := foldingRig(t, true, sftptest.ServerOptions{})
	r.drop("stays", "x")
	r.drop("a.txt", "content")
	r.once()
	r.must(r.store.SetFolding(t.Context(), "acme", file.Folding{}))
	r.rename("a.txt", "A.txt")
	adopted := r.planAs("A.txt", r.print("A.txt"))[0]
	ok, err := r.store.Adopt(t.Context(), adopted.ID, state.Known{Fingerprint: adopted.Fingerprint, RemotePath: adopted.Final})
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	r.thrice()
	r.wantNames(s, map[string]string{"stays": "x", "a.txt": "content"})
	if n := r.events.count(EventKept); n != 1 {
		t.Errorf("kept %d times", n)
	}
}

// TestADirectoryThatFoldsNames, where the root does not: what stands under the new spelling is not adopted, for it may be the file
// itself; nor is the old one removed.
func TestADirectoryThatFoldsNames(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.toFake()
	s.hashes = true
	r.mirrors("")
	r.drop("stays", "x")
	r.drop("a.txt", "one")
	r.once()
	at := r.print("a.txt").Modified()
	r.rename("a.txt", "A.txt")
	s.put("in/A.txt", "one", at)
	r.thrice()
	if in := r.intent("A.txt"); in.Phase != state.Held {
		t.Errorf("%+v", in)
	}
	if _, there := s.content("in/a.txt"); !there || len(r.removals()) != 0 {
		t.Error("the old name was removed")
	}
}

// TestPreviewOfCollisions tells what would be held, and what would get another spelling.
func TestPreviewOfCollisions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.toFake()
	r.mirrors("")
	r.delivered("a.txt", "one", remote.ReadBack)
	s.put("in/a.txt", "one", r.print("a.txt").Modified())
	r.delivered("b.txt", "two", remote.ReadBack)
	s.put("in/b.txt", "two", r.print("b.txt").Modified())
	r.must(r.store.SetFolding(t.Context(), "acme", file.Folding{Case: true}))
	r.rename("a.txt", "A.txt")
	r.drop("B.txt", "two")
	r.drop("C.txt", "three")
	r.drop("c.txt", "three")
	session, err := s.dial(t.Context())
	r.must(err)
	told, all := r.preview(session, r.entries())
	want := []string{"A.txt: rename moved", "B.txt: hold collision", "C.txt: upload new", "c.txt: hold collision"}
	if !slices.Equal(told, want) {
		t.Errorf("%q, want %q", told, want)
	}
	if len(all) > 1 && (all[0].From != "in/a.txt" || !strings.Contains(all[1].Detail, "in/b.txt")) {
		t.Errorf("%+v", all)
	}
}
