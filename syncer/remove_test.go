package syncer

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// mirrors makes the folder a mirror that removes, at once, with a trash at each destination.
func (r *rig) mirrors(trash string) {
	r.Helper()
	r.folder.Mirror, r.folder.Deletes, r.folder.DeleteDelay, r.folder.MaxDelete = true, true, time.Nanosecond, 50
	r.folder.TrashKeep = 24 * time.Hour
	for i := range r.folder.Routes {
		r.folder.Routes[i].Trash = trash
	}
}

// removingRig is such a mirror, with a file that stays and one that is to go.
func removingRig(t *testing.T) (*rig, *fakeServer) {
	t.Helper()
	r := newRig(t)
	s := r.toFake()
	r.mirrors("in/.trash")
	r.drop("stays", "x")
	r.drop("a", "old")
	return r, s
}

// gone removes a file from the folder.
func (r *rig) gone(names ...string) {
	r.Helper()
	for _, name := range names {
		r.must(os.RemoveAll(r.source(name)))
	}
}

// operations returns what is planned, as "step path".
func (r *rig) operations() []string {
	r.Helper()
	all, err := r.store.Operations(r.Context(), r.folder.Name, "", 0)
	r.must(err)
	var steps []string
	for _, o := range all {
		steps = append(steps, string(o.Step)+" "+string(o.Path))
	}
	return steps
}

func (r *rig) removals() []state.Removal {
	r.Helper()
	all, err := r.store.Removals(r.Context(), state.Filter{})
	r.must(err)
	return all
}

// quiet scans until nothing is under way, and compares the server with the folder.
func (r *rig) quiet(s *fakeServer) {
	r.Helper()
	r.eventually("the mirror is as the folder", func() bool {
		r.scan()
		record, err := r.store.Intents(r.Context(), r.folder.Name, "", 0)
		r.must(err)
		return len(record)+len(r.operations()) == 0 && maps.Equal(r.local(), s.mirror())
	})
}

// local returns the folder's files.
func (r *rig) local() map[string]string {
	all := map[string]string{}
	for _, e := range r.entries() {
		if e.Kind == watcher.File {
			content, err := os.ReadFile(e.Path.In(r.root))
			r.must(err)
			all[string(e.Path)] = string(content)
		}
	}
	return all
}

// mirror returns the server's files in "in", without the trash and temps.
func (s *fakeServer) mirror() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]string{}
	for name, f := range s.files {
		if rest, ok := strings.CutPrefix(name, "in/"); ok && !strings.HasPrefix(rest, ".trash/") && !isTemp(rest) {
			all[rest] = f.content
		}
	}
	return all
}

// trash returns what is in the trash, without the times.
func (s *fakeServer) trash() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for name := range s.files {
		if rest, ok := strings.CutPrefix(name, "in/.trash/"); ok {
			_, rest, _ = strings.Cut(rest, "/")
			all = append(all, rest)
		}
	}
	slices.Sort(all)
	return all
}

// TestAFileThatComesBackAtTheLastMoment is there again while its removal is under way, at each request that this makes of
// the server, with the same content or another: in the end the server has it.
func TestAFileThatComesBackAtTheLastMoment(t *testing.T) {
	t.Parallel()
	for _, trash := range []string{"in/.trash", ""} {
		requests := []string{"stat in/a", "rename in/.trash", "after rename in/.trash", "stat in/.trash"}
		if trash == "" {
			requests = []string{"stat in/a", "remove in/a", "after remove in/a"}
		}
		for _, request := range requests {
			for _, content := range []string{"old", "new"} {
				for _, hashes := range []bool{true, false} {
					t.Run(fmt.Sprintf("%q, %s, %s, %v", trash, request, content, hashes), func(t *testing.T) {
						t.Parallel()
						r := newRig(t)
						s := r.toFake()
						s.hashes = hashes
						r.mirrors(trash)
						r.drop("stays", "x")
						r.drop("a", "old")
						r.deliver("stays", "a")
						var back sync.Once
						comeBack := func() {
							back.Do(func() {
								r.drop("a", content)
								r.hints <- "a"
							})
						}
						after := strings.HasPrefix(request, "after ")
						op, prefix, _ := strings.Cut(strings.TrimPrefix(request, "after "), " ")
						s.setRefuse(func(o, name string, _ func()) error {
							if o == op && strings.HasPrefix(name, prefix) && !after {
								comeBack()
							}
							return nil
						})
						r.gone("a")
						r.scan()
						if after { // between the request and its record
							r.eventually("the server has done it", func() bool {
								r.scan()
								_, there := s.content("in/a")
								return !there
							})
							comeBack()
						}
						r.eventually("it has come back", func() bool {
							r.scan()
							return !isMissing(r.source("a"))
						})
						r.quiet(s)
						if n := len(r.removals()); n > 1 {
							t.Errorf("%d removals on record: %+v", n, r.removals())
						}
					})
				}
			}
		}
	}
}

// TestRemovalToATrashWhoseNameIsTaken goes beside it, and never over it.
func TestRemovalToATrashWhoseNameIsTaken(t *testing.T) {
	t.Parallel()
	r, s := removingRig(t)
	r.deliver("stays", "a")
	taken := ""
	s.setRefuse(func(op, name string, _ func()) error {
		if op == "stat" && strings.HasPrefix(name, "in/.trash/") && taken == "" {
			taken = name
			s.put(name, "somebody's", time.Now())
		}
		return nil
	})
	r.gone("a")
	r.scan()
	r.quiet(s)
	all := r.removals()
	if len(all) != 1 || !strings.HasPrefix(all[0].Trash, taken+".") || all[0].Size != 3 || all[0].SHA256 == nil {
		t.Errorf("removals %+v, beside %s", all, taken)
	}
	if got, _ := s.content(taken); got != "somebody's" {
		t.Errorf("%s holds %q", taken, got)
	}
}

// TestRefusedTrashIsNoRemoval keeps the file where it is, with the reason.
func TestRefusedTrashIsNoRemoval(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	server := r.to("acme", sftptest.ServerOptions{}, sftptest.Fault{Op: sftptest.OpRename + "," + sftptest.OpPosixRename, Path: "a", Err: sftptest.Failure})
	r.mirrors("in/.trash")
	r.drop("stays", "x")
	r.deliver("stays")
	r.must(os.WriteFile(filepath.Join(server.Dir, "in/a"), []byte("old"), 0o600))
	print := r.drop("a", "old")
	at := print.Modified()
	r.must(os.Chtimes(filepath.Join(server.Dir, "in/a"), at, at))
	i := r.planAs("a", print)[0]
	r.commit(&i, proofOf("old", remote.ReadBack, at))
	r.deliverIntent(&i, i.Proof)
	r.gone("a")
	r.scan()
	r.scan()
	e := r.await(EventFailed, "a", "acme")
	if !strings.Contains(remote.HintOf(e.Err), `trash = "" removes at once`) || !strings.Contains(e.Err.Error(), "trash") {
		t.Errorf("it says %v; %s", e.Err, remote.HintOf(e.Err))
	}
	r.wantInbox("acme", map[string]string{"a": "old", "stays": "x"})
	if got := r.operations(); !slices.Equal(got, []string{"delete a"}) {
		t.Errorf("planned: %q", got)
	}
}

// TestOperationsAfterALostConnection go on.
func TestOperationsAfterALostConnection(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"stat in/a", "stat in/.trash", "rename in/.trash"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			r, s := removingRig(t)
			r.drop("b", "other")
			r.deliver("stays", "a", "b")
			op, prefix, _ := strings.Cut(at, " ")
			var cut sync.Once
			s.setRefuse(func(o, name string, end func()) error {
				if o == op && strings.HasPrefix(name, prefix) {
					cut.Do(end)
				}
				return nil
			})
			r.gone("a", "b")
			r.scan()
			r.quiet(s)
			if got := s.trash(); !slices.Equal(got, []string{"a", "b"}) {
				t.Errorf("the trash holds %q", got)
			}
			if n := len(r.removals()); n != 2 {
				t.Errorf("%d removals on record", n)
			}
		})
	}
}

// TestAPauseHoldsRemovalsBack as it does deliveries.
func TestAPauseHoldsRemovalsBack(t *testing.T) {
	t.Parallel()
	r, s := removingRig(t)
	r.deliver("stays", "a")
	_, _, err := r.store.Pause(t.Context(), state.Route{Folder: "out"}, time.Now())
	r.must(err)
	r.gone("a")
	r.scan()
	r.eventually("it is planned", func() bool { r.scan(); return len(r.operations()) == 1 })
	time.Sleep(20 * time.Millisecond) // a link that did not heed the pause would need less
	if _, there := s.content("in/a"); !there {
		t.Fatal("a paused route has lost a file")
	}
	_, err = r.store.Resume(t.Context(), state.Route{Folder: "out"})
	r.must(err)
	r.syncer.Wake("acme")
	r.quiet(s)
}

// TestRemovalsAloneAreWork for a link that has nothing to send, and for once.
func TestRemovalsAloneAreWork(t *testing.T) {
	t.Parallel()
	r, s := removingRig(t)
	r.once()
	r.gone("a")
	r.once()
	r.once()
	if got := s.mirror(); !maps.Equal(got, map[string]string{"stays": "x"}) {
		t.Errorf("the server has %v", got)
	}
	if all := r.operations(); len(all) != 0 {
		t.Errorf("left: %q", all)
	}
}

// TestOnceTriesAnOperationThreeTimes and ends.
func TestOnceTriesAnOperationThreeTimes(t *testing.T) {
	t.Parallel()
	r, s := removingRig(t)
	r.once()
	r.gone("a")
	r.once()
	tries := 0
	s.setRefuse(func(op, name string, _ func()) error {
		if op == "rename" && strings.HasPrefix(name, "in/.trash") {
			tries++
			return problem(op, name, remote.Permission, errors.New("denied"))
		}
		return nil
	})
	r.once()
	if tries != onceTries {
		t.Errorf("tried %d times", tries)
	}
	if all := r.operations(); len(all) != 1 {
		t.Errorf("left: %q", all)
	}
}

// TestTwoDestinationsLoseAFileEach at their own pace.
func TestTwoDestinationsLoseAFileEach(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	acme := r.toFake()
	globex := newFakeServer()
	r.route("globex", globex.dial)
	r.mirrors("in/.trash")
	r.drop("stays", "x")
	r.drop("a", "old")
	r.deliver("stays", "a")
	away := errors.New("away")
	globex.setDialed(func() error { return problem("connect", "", remote.Transient, away) })
	globex.closeAll()
	r.gone("a")
	r.scan()
	r.eventually("acme has lost it", func() bool {
		r.scan()
		known := r.record("a").Known
		return len(known) == 1 && known[0].Destination == "globex"
	})
	if _, there := acme.content("in/a"); there {
		t.Error("acme has it")
	}
	globex.setDialed(nil)
	r.eventually("globex has lost it", func() bool {
		r.syncer.Free("globex") // its failures may have opened the breaker, which a person does not wait for
		return len(r.operations()) == 0
	})
	r.quiet(globex)
	if n := len(r.record("a").Known) + len(r.operations()); n != 0 || len(r.removals()) != 2 {
		t.Errorf("left over: %+v", r.record("a"))
	}
}
