package syncer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

func TestShare(t *testing.T) {
	for _, test := range []struct{ most, large, all int }{
		{1, 1, 2}, {2, 2, 3}, {3, 3, 4}, {4, 3, 4}, {8, 6, 8}, {64, 48, 64}, {1024, 768, 1024},
	} {
		if large, all := share(test.most); large != test.large || all != test.all {
			t.Errorf("of %d: %d large ones of %d, want %d of %d", test.most, large, all, test.large, test.all)
		}
	}
}

func TestRoom(t *testing.T) {
	for _, test := range []struct {
		name         string
		w            *workload
		most, open   int
		large, small bool // there is room for one
	}{
		{"nothing under way", &workload{}, 64, 0, true, true},
		{"large ones", &workload{active: 48, large: 48}, 64, 0, false, true},
		{"all slots taken", &workload{active: 64, large: 48}, 64, 0, false, false},
		{"small ones", &workload{active: 63}, 64, 0, true, true},
		{"all slots taken by small ones", &workload{active: 64}, 64, 0, false, false},
		{"the budget is spent on large ones", costing(&workload{active: 8, large: 8}, memoryBudget), 64, 0, false, true},
		{"the small ones' too", costing(&workload{active: 60, large: 8}, memoryBudget+smallBudget), 64, 0, false, false},
		{"a small one, of one", &workload{active: 1}, 1, 0, true, false},
		{"a large one, of one", &workload{active: 1, large: 1}, 1, 0, false, true},
		{"both, of one", &workload{active: 2, large: 1}, 1, 0, false, false},
		{"a server with three open files", &workload{active: 2, large: 2}, 64, 3, false, true},
		{"a server with one", &workload{active: 1, large: 1}, 64, 1, false, false},
		{"a destination with one file at a time", &workload{active: 1, most: 1}, 64, 0, false, false},
		{"one with one, and none under way", &workload{most: 1}, 64, 3, true, true},
		{"one with four, of which one is for a small one", &workload{active: 3, large: 3, most: 4}, 64, 0, false, true},
		{"one with four", &workload{active: 4, most: 4}, 64, 0, false, false},
		{"one with four, at a server with two open files", &workload{active: 2, most: 4}, 64, 2, false, false},
		{"one at a time after cuts", &workload{active: 1, large: 1, solo: true}, 64, 0, false, false},
		{"one at a time, and none", &workload{solo: true}, 64, 0, true, true},
		{"a suspect alone", &workload{active: 1, large: 1, alone: "x"}, 64, 0, false, false},
	} {
		test.w.session = &fakeSession{server: &fakeServer{}, caps: remote.Capabilities{MaxOpen: test.open}}
		if large, small := test.w.room(test.most, false), test.w.room(test.most, true); large != test.large || small != test.small {
			t.Errorf("%s: room for a large one %v, want %v; for a small one %v, want %v", test.name, large, test.large, small, test.small)
		}
	}
}

func costing(w *workload, bytes int64) *workload {
	w.cost.Store(bytes)
	return w
}

// TestOthersAreSentWhileFilesArePublished has a server that renames nothing for a while: more files go up than the memory budget would
// hold if it counted those that are there.
func TestOthersAreSentWhileFilesArePublished(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.Delta = DeltaOff
	s := r.toFake()
	const size = 1 << 20
	const files = memoryBudget/size + 8
	var puts atomic.Int32
	all := make(chan struct{})
	s.setRefuse(func(op, _ string, _ func()) error {
		switch op {
		case "put":
			if puts.Add(1) == files {
				close(all)
			}
		case "rename":
			<-all
		}
		return nil
	})
	content := strings.Repeat("x", size)
	for i := range files {
		r.drop(fmt.Sprint(i), content)
	}
	r.start()
	r.scan()
	r.reach("all of them are sent", all)
	r.eventually("all of them are delivered", func() bool { return r.events.count(EventDelivered) == files })
}

func TestSlots(t *testing.T) {
	s := newSlots(2)
	over := make(chan struct{})
	close(over)
	var gives []func()
	take := func(small, want bool) {
		t.Helper()
		give := s.take(small, nil, nil)
		if (give != nil) != want {
			t.Fatalf("a slot: %v, want %v", give != nil, want)
		}
		gives = append(gives, give)
	}
	take(false, true)
	take(false, true)
	if s.take(false, over, nil) != nil || s.take(false, nil, over) != nil {
		t.Error("a third large file has a slot")
	}
	take(true, true)
	if s.take(true, over, nil) != nil {
		t.Error("a second small file has one, of three")
	}
	// One that waits gets the next.
	var waiting sync.WaitGroup
	waiting.Go(func() { s.take(false, nil, nil)() })
	gives[0]()
	waiting.Wait()
	for _, give := range gives[1:] {
		give()
	}
	if len(s.large)+len(s.small)+len(s.all) > 0 {
		t.Error("a slot was not given back")
	}
}

// sparse puts a file of zeroes into the folder.
func (r *rig) sparse(name string, size int64) {
	r.Helper()
	r.must(os.WriteFile(r.source(name), nil, 0o644))
	r.must(os.Truncate(r.source(name), size))
}

// TestSmallFilesPassLargeOnes has more large files waiting than are fetched at once, and each of the few that are sent
// does not end.
func TestSmallFilesPassLargeOnes(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 2, 8} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.options.MaxTransfers = most
			s := newFakeServer()
			s.now = settledClock
			r.route("acme", s.dial)
			var begun atomic.Int32
			end := make(chan struct{})
			refused := false
			s.refuse = func(op, name string, _ func()) error {
				switch {
				case op == "put" && strings.Contains(name, "large"):
					begun.Add(1)
					<-end
				case op == "put" && strings.Contains(name, "again") && !refused:
					refused = true
					return problem(op, name, remote.Refused, errors.New("not now"))
				}
				return nil
			}
			const large = queueAhead + 20
			for i := range large {
				r.sparse(fmt.Sprintf("large-%03d", i), smallFile+1)
			}
			r.start()
			r.scan()
			most, _ := share(most)
			r.eventually("all slots of large files are taken", func() bool { return int(begun.Load()) == most })
			for i := range 5 {
				name := fmt.Sprintf("small-%d", i)
				r.drop(name, "content")
				r.hints <- file.Path(name)
				r.await(EventDelivered, name, "acme")
			}
			r.drop("again", "content")
			r.hints <- "again"
			r.await(EventFailed, "again", "acme")
			r.await(EventDelivered, "again", "acme")
			if n := int(begun.Load()); n != most {
				t.Errorf("%d large files are under way, want %d", n, most)
			}
			close(end)
			if most > 2 {
				return // as many as that take a while
			}
			r.eventually("the large ones come too", func() bool { return len(r.events.of(EventDelivered)) == large+6 })
		})
	}
}

// askedStore counts how often a link asks for small files.
type askedStore struct {
	Store
	asked atomic.Int32
}

func (s *askedStore) DueSmall(
	ctx context.Context, destination string, now time.Time, size int64, limit int, skip map[string]bool,
) ([]state.Intent, error) {
	s.asked.Add(1)
	return s.Store.DueSmall(ctx, destination, now, size, limit, skip)
}

// TestAPausedSmallFilePassesNothing is behind large files, where the link looks for small ones: it finds none, and does not
// look again and again.
func TestAPausedSmallFilePassesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.options.MaxTransfers = 1
	asked := &askedStore{Store: r.store}
	r.options.Store = asked
	s := newFakeServer()
	s.now = settledClock
	r.route("acme", s.dial)
	begun, end := make(chan struct{}, 2), make(chan struct{})
	s.refuse = func(op, name string, _ func()) error {
		if op == "put" && strings.Contains(name, "large") {
			begun <- struct{}{}
			<-end
		}
		return nil
	}
	r.sparse("large-1", smallFile+1)
	r.sparse("large-2", smallFile+1)
	r.plan("small", "content")
	id := r.intent("small").ID
	if _, _, err := r.store.PauseIntent(t.Context(), id, time.Now()); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.scan()
	<-begun
	time.Sleep(200 * time.Millisecond) // in which it would come thousands of times
	if n := asked.asked.Load(); n > 20 {
		t.Errorf("small files were asked for %d times", n)
	}
	close(end)
	r.await(EventDelivered, "large-2", "acme")
	if got := r.intent("small"); got.Phase != state.Planned || got.Attempts != 0 {
		t.Errorf("it is %s after %d attempts", got.Phase, got.Attempts)
	}
}

// TestLargeFilesAreNotPassedForEver has small files without end beside a large one.
func TestLargeFilesAreNotPassedForEver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.options.MaxTransfers = 2
	r.to("acme", sftptest.ServerOptions{}, sftptest.Fault{Op: sftptest.OpRename, Path: "*small*", Delay: 5 * time.Millisecond})
	for i := range 100 {
		r.drop(fmt.Sprintf("a-small-%03d", i), "content")
	}
	for i := range 4 {
		r.sparse(fmt.Sprintf("b-large-%d", i), smallFile+1)
	}
	for i := range 100 {
		r.drop(fmt.Sprintf("c-small-%03d", i), "content")
	}
	r.once()
	var order []string
	for _, d := range r.receipts() {
		order = append(order, string(d.Path))
	}
	if len(order) != 204 {
		t.Fatalf("%d receipts", len(order))
	}
	// They come about where they were planned.
	for at, name := range order {
		if name[0] == 'b' && at > 150 {
			t.Errorf("%s is number %d", name, at)
		}
	}
}

// TestAPauseOfWhatMayBePublished was made while the file was under way, and the agent ended after T2: it is found out whether
// the file is visible, and it is published.
func TestAPauseOfWhatMayBePublished(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newFakeServer()
	s.now = settledClock
	r.route("acme", s.dial)
	in := r.plan("a", "content")[0]
	if _, added, err := r.store.PauseIntent(t.Context(), in.ID, time.Now()); !added || err != nil {
		t.Fatal(added, err)
	}
	sum := sha256.Sum256([]byte("content"))
	if ok, err := r.store.Commit(t.Context(), in.ID, state.Proof{SHA256: sum[:], Evidence: "size"}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	s.files[in.Temp] = fakeFile{content: "content", time: settledClock().Truncate(time.Second)}
	r.start()
	r.await(EventDelivered, "a", "acme")
}
