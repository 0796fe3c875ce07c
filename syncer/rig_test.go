package syncer

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// waitLimit bounds what should happen soon. It is longer than an open breaker waits: five attempts to connect may have failed before
// a slow machine lets the next one through.
const waitLimit = 2 * time.Minute

// rig is a folder with its store, its destinations and a syncer between them. What a watcher would do is done by a
// plain scan of the directory, so that tests say when.
type rig struct {
	*testing.T
	dir    string // of all that follows
	root   string
	store  *state.Store
	folder *Folder

	options Options
	syncer  *Syncer
	events  *recorder
	servers map[string]*sftptest.TestServer

	hints chan file.Path
	scans chan chan error
	stop  func() // ends what start has begun; nil where nothing runs
}

// newRig makes a folder "out" that keeps its files, with no route yet.
func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{
		T: t, dir: t.TempDir(), events: newRecorder(), servers: map[string]*sftptest.TestServer{},
		hints: make(chan file.Path, 1000), scans: make(chan chan error),
	}
	r.root = r.at("out")
	r.must(os.Mkdir(r.root, 0o755))
	r.folder = &Folder{
		Name: "out", Root: r.root, After: Keep, Verify: remote.Auto,
		Retry: Retry{Initial: 5 * time.Millisecond, Max: 40 * time.Millisecond, GiveUpAfter: 72 * time.Hour},
		Hint:  func(p file.Path) { r.hints <- p },
		ArchivePath: func(p file.Path, _ time.Time) string {
			return filepath.Join(r.at("sent"), filepath.FromSlash(string(p)))
		},
	}
	r.openStore()
	r.options = Options{Store: r.store, Folders: []*Folder{r.folder}, Observe: r.events.observe, Grace: waitLimit, Now: settledClock}
	t.Cleanup(func() {
		if r.stop != nil {
			r.stop()
		}
		if r.Failed() {
			r.Logf("events:\n%s", r.events)
		}
	})
	return r
}

// settledClock is an hour ahead, so that files of now are not racy.
func settledClock() time.Time { return time.Now().Add(time.Hour) }

func (r *rig) at(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// freshStore is the files of a store that holds nothing: making one takes a while with the race detector.
var freshStore = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "dropferry-syncer-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	store, err := state.Open(context.Background(), dir)
	if err != nil {
		return nil, err
	}
	if err := store.Close(); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return files, err
})

func (r *rig) openStore() {
	r.Helper()
	files, err := freshStore()
	r.must(err)
	r.must(os.Mkdir(r.at("state"), 0o700))
	for name, content := range files {
		r.must(os.WriteFile(filepath.Join(r.at("state"), name), content, 0o600))
	}
	store, err := state.Open(context.Background(), r.at("state"))
	r.must(err)
	r.store, r.options.Store = store, store
	r.Cleanup(func() { r.must(store.Close()) })
}

// to adds a route to a server of its own, at "in/" there.
func (r *rig) to(destination string, o sftptest.ServerOptions, faults ...sftptest.Fault) *sftptest.TestServer {
	r.Helper()
	s := sftptest.StartServer(r, o, faults...)
	r.servers[destination] = s
	r.must(os.Mkdir(filepath.Join(s.Dir, "in"), 0o755))
	r.route(destination, r.dialer(destination, s, s.Addr()))
	return s
}

// route adds a route to anything that can be dialled.
func (r *rig) route(destination string, dial func(context.Context) (Session, error)) {
	r.folder.Routes = append(r.folder.Routes, Route{
		Destination: destination, RemotePath: func(p file.Path, _ time.Time) string { return "in/" + string(p) },
	})
	r.options.Destinations = append(r.options.Destinations, Destination{Name: destination, Dial: dial})
}

// dialer dials a server, or a wire before it.
func (r *rig) dialer(destination string, s *sftptest.TestServer, addr string) func(context.Context) (Session, error) {
	return func(ctx context.Context) (Session, error) {
		host, port := splitAddr(addr)
		session, err := remote.Dial(ctx, remote.Target{
			Name: destination, Host: host, Port: port, User: s.User, KeyFile: s.KeyFile, PinnedKeys: []string{s.Fingerprint()},
			ConnectTimeout: 30 * time.Second, Keepalive: time.Second, StallTimeout: 30 * time.Second,
		})
		if err != nil {
			return nil, err
		}
		return session, nil
	}
}

// drop writes a file into the folder, as one that appears under its name whole.
func (r *rig) drop(name, content string) file.Fingerprint {
	r.Helper()
	to := r.source(name)
	r.must(os.MkdirAll(filepath.Dir(to), 0o755))
	r.must(os.WriteFile(to+".tmp", []byte(content), 0o644))
	r.must(os.Rename(to+".tmp", to))
	return r.print(name)
}

func (r *rig) source(name string) string { return filepath.Join(r.root, filepath.FromSlash(name)) }

func (r *rig) print(name string) file.Fingerprint {
	r.Helper()
	f, _, err := file.Lstat(r.source(name))
	r.must(err)
	return f
}

// entries is a scan of the folder in which everything is ready.
func (r *rig) entries() []watcher.Entry {
	var all []watcher.Entry
	err := filepath.WalkDir(r.root, func(name string, d fs.DirEntry, err error) error {
		p, _ := file.Rel(r.root, name)
		if _, temporary := watcher.IsTemporary(p.Base()); err != nil || p == "" || temporary {
			return err
		}
		e := watcher.Entry{Path: p, Kind: watcher.Dir, Ready: true, Seen: time.Now()}
		if !d.IsDir() {
			e.Kind = watcher.File
			if e.Fingerprint, _, err = file.Lstat(name); errors.Is(err, fs.ErrNotExist) {
				return nil
			}
		}
		all = append(all, e)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.Error(err)
	}
	slices.SortFunc(all, func(a, b watcher.Entry) int { return strings.Compare(string(a.Path), string(b.Path)) })
	return all
}

// start makes a syncer and runs it, with a stand-in for the watcher that heeds hints.
func (r *rig) start() {
	r.Helper()
	if r.stop != nil {
		r.Fatal("it runs already")
	}
	r.syncer = New(r.options)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.syncer.Run(ctx); err != nil {
			r.Errorf("run: %v", err)
		}
	})
	running.Go(func() { r.watch(ctx) })
	r.stop = func() {
		r.Helper()
		r.stop = nil
		cancel()
		ended := make(chan struct{})
		go func() { running.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(2 * waitLimit):
			r.Fatal("the syncer does not end")
		}
	}
}

func (r *rig) watch(ctx context.Context) {
	planner := r.syncer.Planner(r.folder.Name)
	for {
		select {
		case <-ctx.Done():
			return
		case done := <-r.scans:
			done <- planner.Scan(ctx, slices.Values(r.entries()))
		case p := <-r.hints:
			f, mode, err := file.Lstat(p.In(r.root))
			if err != nil || !mode.IsRegular() {
				continue
			}
			e := watcher.Entry{Path: p, Kind: watcher.File, Ready: true, Fingerprint: f, Seen: time.Now()}
			if err := planner.Ready(ctx, []watcher.Entry{e}); err != nil && ctx.Err() == nil {
				r.Errorf("ready %s: %v", p, err)
			}
		}
	}
}

// scan lets the planner see the whole folder.
func (r *rig) scan() {
	r.Helper()
	done := make(chan error)
	r.scans <- done
	r.must(<-done)
}

// once runs a syncer until nothing is left that can be done.
func (r *rig) once() {
	r.Helper()
	r.onceWith(r.entries())
}

// onceWith is once with a scan that has seen these entries.
func (r *rig) onceWith(entries []watcher.Entry) {
	r.Helper()
	r.onceAs(slices.Values(entries))
}

// onceAs is once with a scan that goes on as the entries come.
func (r *rig) onceAs(entries iter.Seq[watcher.Entry]) {
	r.Helper()
	r.syncer = New(r.options)
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	planned := make(chan struct{})
	var scanning sync.WaitGroup
	scanning.Go(func() {
		defer close(planned)
		if err := r.syncer.Planner(r.folder.Name).Scan(ctx, entries); err != nil {
			r.Errorf("scan: %v", err)
		}
	})
	err := r.syncer.Once(ctx, planned)
	scanning.Wait()
	if err != nil || ctx.Err() != nil {
		r.Fatalf("once: %v, %v\n%s", err, ctx.Err(), r.events)
	}
}

// deliver starts, scans and waits until each file is delivered to each destination.
func (r *rig) deliver(names ...string) {
	r.Helper()
	if r.stop == nil {
		r.start()
	}
	r.scan()
	for _, name := range names {
		for _, route := range r.folder.Routes {
			r.await(EventDelivered, name, route.Destination)
		}
	}
}

// await waits for an event about a file; a destination of "" is any. Each event is waited for once.
func (r *rig) await(t EventType, name, destination string) Event {
	r.Helper()
	e, ok := r.events.await(func(e *Event) bool {
		return e.Type == t && (name == "" || string(e.Path) == name) && (destination == "" || e.Destination == destination)
	})
	if !ok {
		r.Fatalf("%s %s %s did not happen within %v", t, name, destination, waitLimit)
	}
	return e
}

// eventually waits for a condition.
func (r *rig) eventually(what string, holds func() bool) {
	r.Helper()
	for deadline := time.Now().Add(waitLimit); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatalf("not within %v: %s", waitLimit, what)
		}
	}
}

// intents returns what the store holds of a file.
func (r *rig) record(name string) state.Record {
	r.Helper()
	record, err := r.store.Lookup(r.Context(), r.folder.Name, file.Path(name))
	r.must(err)
	return record
}

// intent returns the one intent of a file.
func (r *rig) intent(name string) state.Intent {
	r.Helper()
	all := r.record(name).Intents
	if len(all) != 1 {
		r.Fatalf("%s has %d intents, want 1: %+v", name, len(all), all)
	}
	return all[0]
}

func (r *rig) receipts() []state.Delivery {
	r.Helper()
	all, err := r.store.History(r.Context(), state.Filter{})
	r.must(err)
	slices.Reverse(all)
	return all
}

func (r *rig) wantReceipts(n int) {
	r.Helper()
	if got := r.receipts(); len(got) != n {
		r.Errorf("%d receipts, want %d: %+v", len(got), n, got)
	}
}

// wantInbox checks all that stands at a server, temps among it.
func (r *rig) wantInbox(destination string, want map[string]string) {
	r.Helper()
	wantTree(r.T, filepath.Join(r.servers[destination].Dir, "in"), want)
}

func (r *rig) wantFolder(want map[string]string) {
	r.Helper()
	wantTree(r.T, r.root, want)
}

func (r *rig) wantSent(want map[string]string) {
	r.Helper()
	wantTree(r.T, r.at("sent"), want)
}

// wantTree compares a directory with what should be in it, by relative path.
func wantTree(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		rel, _ := file.Rel(dir, name)
		got[string(rel)] = string(content)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s holds %s, want %s", dir, brief(got), brief(want))
	}
}

func brief(files map[string]string) string {
	var b strings.Builder
	b.WriteString("{")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		content := files[name]
		if len(content) > 30 {
			content = content[:30] + "..."
		}
		b.WriteString(" " + name + ": " + content + ";")
	}
	return b.String() + " }"
}

// rooted dials a server with the root "root".
func rooted(r *rig, s *sftptest.TestServer) func(context.Context) (Session, error) {
	return func(ctx context.Context) (Session, error) {
		host, port := splitAddr(s.Addr())
		session, err := remote.Dial(ctx, remote.Target{
			Name: "acme", Host: host, Port: port, User: s.User, KeyFile: s.KeyFile, PinnedKeys: []string{s.Fingerprint()}, Root: "root",
			ConnectTimeout: 30 * time.Second, Keepalive: time.Second, StallTimeout: 30 * time.Second,
		})
		if err != nil {
			return nil, err
		}
		return session, nil
	}
}

func inRoot(p file.Path, _ time.Time) string { return "root/" + string(p) }
