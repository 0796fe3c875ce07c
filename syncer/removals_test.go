package syncer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// TestNoPlanRemovesWhatIsNotOurs holds for any folder: what is planned to be removed was delivered by us, is not adopted, is
// not in the folder, and was missed by an earlier complete scan; and never is it more than was allowed.
func TestNoPlanRemovesWhatIsNotOurs(t *testing.T) {
	r := newRig(t)
	r.route("acme", nowhere)
	r.route("globex", nowhere)
	r.mirrors("in/.trash")
	round, planned := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		f := *r.folder
		f.Name, f.Root = fmt.Sprintf("out%d", round), r.at(fmt.Sprintf("root%d", round))
		f.MaxDelete = rapid.IntRange(0, 8).Draw(t, "max")
		f.Routes = slices.Clone(f.Routes)
		for i := range f.Routes {
			f.Routes[i].RemotePath = func(p file.Path, _ time.Time) string { return "in/" + f.Name + "/" + string(p) }
		}
		r.must(os.Mkdir(f.Root, 0o755))
		w := drawMirror(t, r, &f)
		p := New(Options{Store: r.store, Folders: []*Folder{&f}, Now: settledClock}).Planner(f.Name)
		missed := map[file.Path]bool{} // by the complete scans so far
		seen := map[string]bool{}      // operations
		for range rapid.IntRange(1, 6).Draw(t, "scans") {
			may := f.MaxDelete
			h, halted, err := r.store.HaltOf(context.Background(), f.Name)
			r.must(err)
			switch {
			case halted && h.Accepted != nil: // and no complete scan has heeded it yet
				may = *h.Accepted
			case halted && rapid.Bool().Draw(t, "accepts"):
				may = rapid.IntRange(0, 8).Draw(t, "accepted")
				_, err := r.store.AcceptDeletes(context.Background(), f.Name, may)
				r.must(err)
			}
			entries, complete := w.scan(t)
			before := maps.Clone(missed)
			r.must(p.Scan(context.Background(), slices.Values(entries)))
			if complete {
				for path := range w.owned {
					missed[path] = isMissing(path.In(f.Root))
				}
			}
			all, err := r.store.Operations(context.Background(), f.Name, "", 0)
			r.must(err)
			removed := map[file.Path]bool{}
			for _, o := range all {
				if o.Step != state.StepDelete || seen[o.ID] {
					continue
				}
				seen[o.ID] = true
				removed[o.Path] = true
				switch {
				case !w.owned[o.Path][o.Destination]:
					t.Fatalf("%s at %s is not ours", o.Path, o.Destination)
				case !isMissing(o.Path.In(f.Root)):
					t.Fatalf("%s is in the folder", o.Path)
				case !complete || !before[o.Path]:
					t.Fatalf("%s was not missed before", o.Path)
				}
			}
			planned += len(removed)
			if n := len(removed); n > may {
				t.Fatalf("%d are removed, and %d may be", n, may)
			}
			w.change(t, &f)
		}
	})
	if planned < round/4 {
		t.Errorf("only %d removals were planned for %d folders: this shows little", planned, round)
	}
}

// mirrorWorld is a mirror at some moment of its life.
type mirrorWorld struct {
	rig    *rig
	folder *Folder
	owned  map[file.Path]map[string]bool
	paths  []file.Path
}

func drawMirror(t *rapid.T, r *rig, f *Folder) *mirrorWorld {
	w := &mirrorWorld{rig: r, folder: f, owned: map[file.Path]map[string]bool{}}
	if rapid.IntRange(0, 5).Draw(t, "stays") > 0 {
		w.write("stays")
	}
	var know []func()
	for i := range rapid.IntRange(1, 8).Draw(t, "files") {
		p := file.Path(fmt.Sprintf("%s/%d", rapid.SampledFrom([]string{"a", "a-b", "a/x", "b"}).Draw(t, "directory"), i))
		w.paths = append(w.paths, p)
		w.write(p)
		for _, destination := range []string{"acme", "globex"} {
			know = append(know, w.know(t, p, destination))
		}
	}
	var knowing sync.WaitGroup // at once, so that they share their commits
	for _, do := range know {
		knowing.Go(do)
	}
	knowing.Wait()
	w.change(t, f)
	return w
}

func (w *mirrorWorld) write(p file.Path) {
	w.rig.must(os.MkdirAll(filepath.Dir(p.In(w.folder.Root)), 0o755))
	w.rig.must(os.WriteFile(p.In(w.folder.Root), []byte(p), 0o600))
}

// know makes a file known at a destination: delivered, adopted, or not at all. What it returns does so.
func (w *mirrorWorld) know(t *rapid.T, p file.Path, destination string) func() {
	r, ctx := w.rig, context.Background()
	how := rapid.SampledFrom([]string{"delivered", "delivered", "adopted", "not"}).Draw(t, "known")
	if how == "not" {
		return func() {}
	}
	print, _, err := file.Lstat(p.In(w.folder.Root))
	r.must(err)
	route, _ := w.folder.route(destination)
	now := settledClock()
	i := state.Intent{
		ID: file.NewID(now), Version: file.NewID(now), Route: state.Route{Folder: w.folder.Name, Destination: destination},
		Path: p, Fingerprint: print, Final: route.RemotePath(p, now), Phase: state.Planned,
	}
	elsewhere := rapid.IntRange(0, 9).Draw(t, "elsewhere") == 0
	if elsewhere {
		i.Final = "elsewhere/" + i.Final
	}
	if how == "delivered" && !elsewhere {
		if w.owned[p] == nil {
			w.owned[p] = map[string]bool{}
		}
		w.owned[p][destination] = true
	}
	return func() {
		results, err := r.store.Plan(ctx, []state.Plan{{Intent: i}})
		if err != nil || !results[0].OK {
			r.Errorf("plan %s: %v, %+v", p, err, results)
			return
		}
		if how == "adopted" {
			_, err = r.store.Adopt(ctx, i.ID, state.Known{Route: i.Route, Path: p, Fingerprint: print, RemotePath: i.Final, SHA256: []byte{1}})
		} else {
			proof := proofOf(string(p), remote.ReadBack, now)
			if _, err = r.store.Commit(ctx, i.ID, proof); err == nil {
				_, err = r.store.Deliver(ctx, i.ID, state.Deliver{At: now, Keep: true, Fingerprint: print, Proof: proof})
			}
		}
		if err != nil {
			r.Error(err)
		}
	}
}

// change removes some files, and brings some back.
func (w *mirrorWorld) change(t *rapid.T, f *Folder) {
	for _, p := range w.paths {
		switch rapid.IntRange(0, 9).Draw(t, "change") {
		case 0, 1:
			w.rig.must(os.RemoveAll(p.In(f.Root)))
		case 2:
			if isMissing(p.In(f.Root)) {
				w.write(p)
			}
		}
	}
}

// scan is what a scan shows now; complete is false where a place cannot be read.
func (w *mirrorWorld) scan(t *rapid.T) (entries []watcher.Entry, complete bool) {
	r := *w.rig
	r.root = w.folder.Root
	entries = r.entries()
	switch rapid.IntRange(0, 9).Draw(t, "scan") {
	case 0: // one place cannot be read
		if len(entries) == 0 {
			return entries, true
		}
		bad := rapid.SampledFrom(entries).Draw(t, "unreadable").Path
		var kept []watcher.Entry
		for _, e := range entries {
			switch {
			case e.Path == bad:
				kept = append(kept, watcher.Entry{Path: bad, Kind: e.Kind, Err: errors.New("unreadable")})
			case !e.Path.Under(bad):
				kept = append(kept, e)
			}
		}
		return kept, false
	case 1: // the root was replaced meanwhile
		return append(entries[:rapid.IntRange(0, len(entries)).Draw(t, "until")], watcher.Entry{Kind: watcher.Dir, Err: errors.New("replaced")}), false
	}
	return entries, true
}
