package syncer

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// world is a folder and what the store knows of it, as plain maps.
type world struct {
	entries      map[file.Path]watcher.Entry
	records      map[file.Path]state.Record
	destinations []string
	ends         bool // stories
	trusted      bool
}

// elements sort before and after the "/" that ends a directory's name, so that what lies in a directory does not follow
// it at once.
var elements = []string{"a", "a-b", "a.b", "a!", "ab", "b", "\xff", "ä"}

func drawPath(t *rapid.T) file.Path {
	n := rapid.IntRange(1, 3).Draw(t, "depth")
	var p file.Path
	for range n {
		p = p.Join(rapid.SampledFrom(elements).Draw(t, "element"))
	}
	return p
}

func drawPrint(t *rapid.T) file.Fingerprint {
	return rapid.SampledFrom([]file.Fingerprint{v1, touched, chmoded, redrop, longer}).Draw(t, "fingerprint")
}

func drawWorld(t *rapid.T) *world {
	w := &world{
		entries: map[file.Path]watcher.Entry{}, records: map[file.Path]state.Record{},
		destinations: []string{"acme", "globex"}[:rapid.IntRange(1, 2).Draw(t, "routes")],
		ends:         rapid.Bool().Draw(t, "ends"), trusted: rapid.Bool().Draw(t, "trusted"),
	}
	for range rapid.IntRange(0, 12).Draw(t, "entries") {
		w.drawEntry(t)
	}
	for range rapid.IntRange(0, 12).Draw(t, "records") {
		w.drawRecord(t)
	}
	return w
}

// drawEntry adds what a scan may show at one place, with the directories above it.
func (w *world) drawEntry(t *rapid.T) {
	p := drawPath(t)
	for dir := p.Dir(); dir != ""; dir = dir.Dir() {
		if e, ok := w.entries[dir]; ok && (e.Kind != watcher.Dir || e.Err != nil) {
			return // nothing lies there
		}
	}
	for q := range w.entries {
		if q.Under(p) || q == p {
			return
		}
	}
	for dir := p.Dir(); dir != ""; dir = dir.Dir() {
		w.entries[dir] = watcher.Entry{Path: dir, Kind: watcher.Dir, Ready: true}
	}
	e := watcher.Entry{Path: p, Kind: watcher.File, Fingerprint: drawPrint(t)}
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		e = watcher.Entry{Path: p, Kind: watcher.Dir, Err: errors.New("unreadable")}
	case 1:
		e = watcher.Entry{Path: p, Kind: watcher.File, Err: errors.New("unreadable")}
	case 2:
		e.Kind = watcher.Other
	case 3:
		e = watcher.Entry{Path: p, Kind: watcher.Dir, Ready: true}
	case 4, 5:
	default:
		e.Ready = true
	}
	w.entries[p] = e
}

// drawRecord adds something that the store knows, of a destination that the configuration may have forgotten too.
func (w *world) drawRecord(t *rapid.T) {
	p := drawPath(t)
	if len(w.entries) > 0 && rapid.Bool().Draw(t, "of an entry") {
		p = rapid.SampledFrom(slices.Sorted(maps.Keys(w.entries))).Draw(t, "entry")
	}
	r := w.records[p]
	r.Path = p
	route := state.Route{Folder: "out", Destination: rapid.SampledFrom([]string{"acme", "globex", "former"}).Draw(t, "destination")}
	if rapid.Bool().Draw(t, "known") && knownOf(r, route.Destination) == nil {
		r.Known = append(r.Known, state.Known{
			Route: route, Path: p, Fingerprint: drawPrint(t), Racy: rapid.Bool().Draw(t, "racy"), SHA256: []byte{1},
		})
	}
	phase := rapid.SampledFrom([]state.Phase{"", state.Planned, state.Committing, state.Delivered, state.Held, state.Parked}).Draw(t, "phase")
	open := openOf(r, route.Destination)
	if phase != "" && (phase == state.Delivered || open == nil || open.Phase == state.Delivered) {
		id := fmt.Sprintf("%s of %s, %d", route.Destination, p, len(r.Intents))
		r.Intents = append(r.Intents, state.Intent{
			ID: id, Version: "v" + id, Route: route, Path: p, Fingerprint: drawPrint(t), Phase: phase,
		})
	}
	w.records[p] = r
}

func (w *world) scan() iter.Seq[watcher.Entry] {
	return func(yield func(watcher.Entry) bool) {
		for _, p := range slices.Sorted(maps.Keys(w.entries)) {
			if !yield(w.entries[p]) {
				return
			}
		}
		if !w.trusted {
			yield(watcher.Entry{Kind: watcher.Dir, Err: errors.New("the root was replaced")})
		}
	}
}

func (w *world) walk() iter.Seq2[state.Record, error] {
	return func(yield func(state.Record, error) bool) {
		for _, p := range slices.Sorted(maps.Keys(w.records)) {
			if r := w.records[p]; len(r.Known)+len(r.Intents) > 0 && !yield(r, nil) {
				return
			}
		}
	}
}

// unknown tells whether a scan says nothing of p.
func (w *world) unknown(p file.Path) bool {
	for q, e := range w.entries {
		if e.Err != nil && (p == q || p.Under(q)) {
			return true
		}
	}
	return !w.trusted
}

// naive computes the changes path by path, without any order.
func (w *world) naive() map[string]Decision {
	want := map[string]Decision{}
	take := func(p file.Path, destination string, d Decision, open bool) {
		if d.Op != Nothing || open {
			want[destination+" "+string(p)] = d
		}
	}
	for p, e := range w.entries {
		if e.Kind != watcher.File || e.Err != nil {
			continue
		}
		for _, d := range w.destinations {
			open := openOf(w.records[p], d)
			take(p, d, Decide(Local{true, e.Ready, e.Fingerprint}, knownOf(w.records[p], d), open, w.ends), open != nil)
		}
	}
	for p, r := range w.records {
		if e, ok := w.entries[p]; (ok && e.Kind == watcher.File && e.Err == nil) || w.unknown(p) {
			continue
		}
		for _, d := range []string{"acme", "globex", "former"} {
			take(p, d, Decide(Local{}, knownOf(r, d), openOf(r, d), w.ends), false)
		}
	}
	return want
}

// take makes the world what it is when all that the changes ask for is done.
func (w *world) take(all []Change) {
	for _, c := range all {
		r := w.records[c.Path]
		r.Path = c.Path
		known := func(f file.Fingerprint) {
			r.Known = slices.DeleteFunc(r.Known, func(k state.Known) bool { return k.Destination == c.Destination })
			r.Known = append(r.Known, state.Known{Route: state.Route{Folder: "out", Destination: c.Destination}, Path: c.Path, Fingerprint: f, SHA256: []byte{1}})
		}
		closed := func() {
			r.Intents = slices.DeleteFunc(r.Intents, func(i state.Intent) bool { return i.Destination == c.Destination })
		}
		switch {
		case c.Decision.Op == Upload:
			closed()
			known(c.Entry.Fingerprint)
		case c.Decision.Op == Nothing && c.Open.Phase != state.Delivered: // goes on, and is delivered
			closed()
			known(c.Open.Fingerprint)
		case c.Decision.Op == Drop, c.Decision.Op == Nothing:
			closed()
		case c.Decision.Op == Forget:
			r.Known = nil
		}
		w.records[c.Path] = r
	}
}

// changesOf are the changes of an outbox.
func changesOf(entries iter.Seq[watcher.Entry], known iter.Seq2[state.Record, error], destinations []string, ends bool) iter.Seq2[Change, error] {
	f := &Folder{After: Keep}
	if ends {
		f.After = Archive
	}
	for _, d := range destinations {
		f.Routes = append(f.Routes, Route{Destination: d})
	}
	return mergeOf(f).changes(entries, known, func(state.Record) error { return nil })
}

func collect(t *rapid.T, w *world) []Change {
	var all []Change
	for c, err := range changesOf(w.scan(), w.walk(), w.destinations, w.ends) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// TestChangesAreThoseOfANaiveComparison compares the merge with a computation path by path.
func TestChangesAreThoseOfANaiveComparison(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		want := w.naive()
		got := map[string]Decision{}
		for _, c := range collect(t, w) {
			key := c.Destination + " " + string(c.Path)
			if _, twice := got[key]; twice {
				t.Fatalf("%q is decided twice", key)
			}
			got[key] = c.Decision
		}
		if !maps.Equal(got, want) {
			t.Fatalf("changes\n%+v\nwant\n%+v", got, want)
		}
	})
}

// TestChangesNeverTakeTheUnknownForGone holds for any world: what a scan could not read, or a scan that cannot be trusted,
// makes nothing missing, and what is missing comes after everything that is there.
func TestChangesNeverTakeTheUnknownForGone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		var last file.Path
		missing := false
		for _, c := range collect(t, w) {
			gone := c.Entry.Path == ""
			if gone && w.unknown(c.Path) {
				t.Fatalf("%q is taken for gone", c.Path)
			}
			if missing && !gone {
				t.Fatalf("%q comes after what is missing", c.Path)
			}
			if gone == missing && c.Path < last {
				t.Fatalf("%q comes after %q", c.Path, last)
			}
			missing, last = gone, c.Path
		}
	})
}

// TestPlanningIsIdempotent lets all that is asked for be done: the next plan is empty but for what settles.
func TestPlanningIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		for round := range 3 { // what was under way when its file changed is sent first
			w.take(collect(t, w))
			if round < 2 {
				continue
			}
			for _, c := range collect(t, w) {
				if c.Decision.Op != Wait {
					t.Fatalf("%q to %s: %+v", c.Path, c.Destination, c.Decision)
				}
			}
		}
	})
}

// TestEveryRouteOfAVersionSharesIt joins what is planned later to what is under way for the same bytes.
func TestEveryRouteOfAVersionSharesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		for _, c := range collect(t, w) {
			want := ""
			for _, i := range w.records[c.Path].Intents {
				if i.Fingerprint == c.Entry.Fingerprint {
					want = i.Version
					break
				}
			}
			if c.Decision.Op == Upload && c.Version != want {
				t.Fatalf("%q to %s joins %q, want %q", c.Path, c.Destination, c.Version, want)
			}
		}
	})
}

func TestChangesBoundWhatTheyRememberAsMissing(t *testing.T) {
	records := func(yield func(state.Record, error) bool) {
		for i := range maxMissing + 500 {
			p := file.Path(fmt.Sprintf("%06d", i))
			if !yield(state.Record{Path: p, Known: []state.Known{{Route: state.Route{Destination: "acme"}, Path: p}}}, nil) {
				return
			}
		}
	}
	n := 0
	for c, err := range changesOf(slices.Values([]watcher.Entry(nil)), records, []string{"acme"}, true) {
		if err != nil || c.Decision.Op != Forget {
			t.Fatalf("%+v, %v", c, err)
		}
		n++
	}
	if n != maxMissing {
		t.Errorf("%d files are missing, want the first %d", n, maxMissing)
	}
}

// What is known of files that are gone, and stays so, takes nobody's place: an intent that is to be dropped sorts behind very many of them.
func TestGoneFilesOfWhichNothingFollowsAreNotRemembered(t *testing.T) {
	acme := state.Route{Destination: "acme"}
	records := func(yield func(state.Record, error) bool) {
		for i := range maxMissing + 1 {
			p := file.Path(fmt.Sprintf("%06d", i))
			r := state.Record{Path: p, Known: []state.Known{{Route: acme, Path: p}}}
			if i%2 == 1 {
				r = state.Record{Path: p, Intents: []state.Intent{{ID: "committing", Route: acme, Path: p, Phase: state.Committing}}}
			}
			if !yield(r, nil) {
				return
			}
		}
		yield(state.Record{Path: "held", Intents: []state.Intent{{ID: "held", Route: acme, Path: "held", Phase: state.Held}}}, nil)
	}
	var all []Change
	for c, err := range changesOf(slices.Values([]watcher.Entry(nil)), records, []string{"acme"}, false) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	if len(all) != 1 || all[0].Path != "held" || all[0].Decision.Op != Drop {
		t.Errorf("%d changes, the first: %+v", len(all), all[:min(1, len(all))])
	}
}

func TestChangesEndWithTheStoresError(t *testing.T) {
	broken := errors.New("broken")
	records := func(yield func(state.Record, error) bool) {
		_ = yield(state.Record{Path: "a", Known: []state.Known{{Route: state.Route{Destination: "acme"}, Path: "a"}}}, nil) &&
			yield(state.Record{}, broken)
	}
	entries := []watcher.Entry{{Path: "b", Kind: watcher.File, Ready: true}, {Path: "c", Kind: watcher.File, Ready: true}}
	var failed error
	for c, err := range changesOf(slices.Values(entries), records, []string{"acme"}, true) {
		if err != nil {
			failed = err
		} else if c.Entry.Path == "" {
			t.Errorf("%q is taken for gone although the store failed", c.Path)
		}
	}
	if !errors.Is(failed, broken) {
		t.Errorf("error %v, want the store's", failed)
	}
}

func TestChangesCanBeStopped(t *testing.T) {
	w := &world{entries: map[file.Path]watcher.Entry{}, records: map[file.Path]state.Record{}, trusted: true}
	for name := range strings.FieldsSeq("a b c d") {
		p := file.Path(name)
		w.entries[p] = watcher.Entry{Path: p, Kind: watcher.File, Ready: true}
		w.records[p+"x"] = state.Record{Path: p + "x", Known: []state.Known{{Route: state.Route{Destination: "acme"}}}}
	}
	for stop := 1; stop < 8; stop++ {
		n := 0
		for _, err := range changesOf(w.scan(), w.walk(), []string{"acme"}, true) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == stop {
				break
			}
		}
		if n != stop {
			t.Errorf("stopped after %d, want %d", n, stop)
		}
	}
}
