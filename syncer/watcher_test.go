package syncer

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/watcher"
)

var (
	_ watcher.Sink = (*Planner)(nil)
	_ watcher.Sink = (*Previewer)(nil)
)

// TestWithAWatcher puts a real watcher before the planner: what is dropped arrives, what changes under way arrives as it
// is in the end, and what is dropped again is sent again.
func TestWithAWatcher(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.After, r.options.Now = Archive, time.Now
	s := r.to("acme", sftptest.ServerOptions{})
	seen := sftptest.Observe(t, filepath.Join(s.Dir, "in"))
	w, err := watcher.New(watcher.Rules{Name: "out", Root: r.root, StableFor: 30 * time.Millisecond}, nil)
	r.must(err)
	r.folder.Hint = w.Hint
	var once sync.Once
	s.Faults.Add(sftptest.Fault{Op: sftptest.OpClose, Path: ".growing.*", Do: func() { once.Do(func() { r.append("growing", " and end") }) }})
	r.syncer = New(r.options)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { r.must(r.syncer.Run(ctx)) })
	running.Go(func() { r.must(w.Run(ctx, r.syncer.Planner("out"))) })
	r.stop = func() { r.stop = nil; cancel(); running.Wait() }

	r.drop("trigger", "go")
	r.await(EventArchived, "trigger", "")
	r.drop("growing", "begin")
	r.await(EventArchived, "growing", "")
	r.drop("trigger", "go")
	r.await(EventArchived, "trigger", "")
	r.stop()
	r.wantReceipts(3)
	r.wantInbox("acme", map[string]string{"trigger": "go", "growing": "begin and end"})
	r.wantFolder(map[string]string{})
	wantSeen(r, seen, "trigger", "trigger", "growing")
	if d := r.receipts()[1]; d.Path != file.Path("growing") || d.Size != int64(len("begin and end")) {
		t.Errorf("receipt: %+v", d)
	}
}
