package syncer

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// preview tells what would be done, by "path: op reason".
func (r *rig) preview(view Viewer, entries []watcher.Entry) ([]string, []Operation) {
	r.Helper()
	var told []string
	var all []Operation
	p := &Previewer{
		Store: r.store, Folder: r.folder, Now: settledClock,
		View: func(string) Viewer { return view },
		Tell: func(o Operation) {
			told = append(told, string(o.Path)+": "+string(o.Op)+" "+string(o.Reason))
			all = append(all, o)
		},
	}
	r.must(p.Scan(r.Context(), slices.Values(entries)))
	return told, all
}

func TestPreview(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.toFake()
	s.hashes = true
	now := time.Now()
	r.drop("new", "1")
	r.drop("conflict", "ours")
	s.put("in/conflict", "their", now)
	r.drop("there", "same")
	s.put("in/there", "same", now.AddDate(-1, 0, 0))
	for _, name := range []string{"known", "touched", "changed", "replaced"} {
		r.delivered(name, "old", remote.ReadBack)
	}
	r.must(os.Chtimes(r.source("touched"), now.Add(time.Minute), now.Add(time.Minute)))
	r.drop("changed", "new!")
	s.put("in/changed", "old", r.record("changed").Known[0].Fingerprint.Modified())
	r.drop("replaced", "new!")
	s.put("in/replaced", "xxx", now.AddDate(-1, 0, 0))
	r.plan("queued", "1")
	held := r.plan("held", "1")[0]
	r.must(r.store.Fail(t.Context(), held.ID, state.Failure{Err: "somebody else's file", Phase: state.Held}))
	committing := r.plan("committing", "1")[0]
	r.commit(&committing, proofOf("1", remote.ReadBack, now))
	superseded := r.plan("superseded", "1")[0]
	r.drop("superseded", "22")
	r.plan("gone", "1")
	r.must(os.Remove(r.source("gone")))

	entries := append(r.entries(),
		watcher.Entry{Path: "settling", Kind: watcher.File, Reason: "being written", Until: now.Add(time.Minute), Fingerprint: file.Fingerprint{Size: 9}})
	slices.SortFunc(entries, func(a, b watcher.Entry) int { return strings.Compare(string(a.Path), string(b.Path)) })
	told, all := r.preview((&fakeSession{server: s, done: make(chan struct{})}), entries)
	want := []string{
		"changed: upload changed", "committing: upload new", "conflict: hold conflict", "held: hold held", "new: upload new",
		"queued: upload new", "replaced: hold conflict", "settling: wait settling", "superseded: upload new", "there: adopt same-content",
	}
	if !slices.Equal(told, want) {
		t.Errorf("preview\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
	for _, o := range all {
		switch o.Path {
		case "settling":
			if o.Size != 9 || o.Until.IsZero() || o.Detail != "being written" {
				t.Errorf("%+v", o)
			}
		case "held":
			if o.Detail != "somebody else's file" {
				t.Errorf("%+v", o)
			}
		case "conflict":
			if !strings.Contains(o.Detail, "5 bytes") {
				t.Errorf("%+v", o)
			}
		case "superseded":
			if o.RemotePath != "in/superseded" || o.Size != 2 {
				t.Errorf("%+v", o)
			}
		}
		if o.Folder != "out" || (o.Op != Wait && o.Destination != "acme") || (o.Op != Wait && o.RemotePath != "in/"+string(o.Path)) {
			t.Errorf("%+v", o)
		}
	}
	// It has changed nothing, here or there.
	if got := r.intent("superseded"); got.ID != superseded.ID {
		t.Error("a preview has superseded an intent")
	}
	if n := len(r.record("new").Intents) + len(r.record("there").Known); n != 0 {
		t.Error("a preview has planned or adopted")
	}
	if n := len(r.record("gone").Intents); n != 1 {
		t.Error("a preview has dropped an intent")
	}
	if n := len(s.names("")); n != 4 {
		t.Errorf("the server has %d files, had 4", n)
	}
}

func TestPreviewWithoutADestination(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.toFake()
	r.drop("a", "1")
	if told, _ := r.preview(nil, r.entries()); !slices.Equal(told, []string{"a: upload new"}) {
		t.Errorf("preview %v", told)
	}
}

func TestPreviewTellsOfAWaitOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.toFake()
	r.route("globex", nowhere)
	told, _ := r.preview(nil, []watcher.Entry{{Path: "a", Kind: watcher.File}, {Path: "b", Kind: watcher.File}})
	if !slices.Equal(told, []string{"a: wait settling", "b: wait settling"}) {
		t.Errorf("preview %v", told)
	}
}

func TestPreviewEndsWithAFailureOfTheDestination(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.toFake()
	s.setRefuse(func(op, name string, _ func()) error { return problem(op, name, remote.Transient, errCut) })
	r.drop("a", "1")
	p := &Previewer{
		Store: r.store, Folder: r.folder, Now: settledClock, Tell: func(o Operation) { t.Errorf("told %+v", o) },
		View: func(string) Viewer { return &fakeSession{server: s, done: make(chan struct{})} },
	}
	if err := p.Scan(t.Context(), slices.Values(r.entries())); !errors.Is(err, errCut) {
		t.Errorf("preview: %v", err)
	}
}

// TestPreviewOfWhatIsThere names what the destination has under an old name, recognised by inode or by content, and what it can
// copy; no two files are made of one.
func TestPreviewOfWhatIsThere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.toFake()
	r.mirrors("")
	large := func(n int) string { return strings.Repeat(fmt.Sprint(n), leastCopy) }
	for name, content := range map[string]string{"inode": "small", "content": large(1), "stays": large(2), "taken": large(3)} {
		r.delivered(name, content, remote.ReadBack)
		s.put("in/"+name, content, r.print(name).Modified())
	}
	r.rename("inode", "renamed")
	r.gone("content", "taken")
	r.drop("written anew", large(1))
	r.drop("copy", large(2))
	r.drop("one", large(3))
	r.drop("two", large(3))
	session, err := s.dial(t.Context())
	r.must(err)
	for _, copies := range []bool{true, false} {
		session.Use(remote.Capabilities{})
		want := []string{"copy: upload", "one: rename in/taken", "renamed: rename in/inode", "two: upload", "written anew: rename in/content"}
		if copies {
			session.Use(remote.Capabilities{Hash: "sha256sum", Extensions: map[string]string{"copy-data": "1"}})
			want[0] = "copy: copy in/stays"
		}
		_, all := r.preview(session, r.entries())
		var told []string
		for _, o := range all {
			told = append(told, strings.TrimSpace(string(o.Path)+": "+string(o.Op)+" "+o.From))
		}
		if !slices.Equal(told, want) {
			t.Errorf("copies %v: %q, want %q", copies, told, want)
		}
	}
}

// TestPreviewReadsNothingBack and says so of what a delivery would read, at a server that does not hash.
func TestPreviewReadsNothingBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.Mirror = true
	s := r.toFake()
	at := r.drop("same-size", "ours").Modified().Add(time.Hour)
	s.put("in/same-size", "ours", at)
	r.drop("other-size", "ours")
	s.put("in/other-size", "theirs", at)
	s.writeOnly = true // to be read is to fail
	view := &fakeSession{server: s, done: make(chan struct{}), caps: remote.Capabilities{ProbedAt: time.Now()}}
	told, all := r.preview(view, r.entries())
	if want := []string{"other-size: hold conflict", "same-size: hold conflict"}; !slices.Equal(told, want) {
		t.Fatalf("%q", told)
	}
	for _, o := range all {
		if strings.Contains(o.Detail, unreadBack) != (o.Path == "same-size") {
			t.Errorf("%s: %s", o.Path, o.Detail)
		}
	}
}
