package watcher

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func TestMarkerNames(t *testing.T) {
	for _, tt := range []struct {
		template   string
		path, want file.Path
	}{
		{"{name}.done", "a.xml", "a.xml.done"},
		{"{name}.done", "in/a.xml", "in/a.xml.done"},
		{"{stem}.done", "in/a.b.xml", "in/a.b.done"},
		{"{stem}.done", "in/plain", "in/plain.done"},
		{"{stem}.done", ".hidden", ".hidden.done"},
		{".ok-{name}", "in/a.xml", "in/.ok-a.xml"},
	} {
		got, ok := MarkerOf(Rules{Ready: ReadyMarker, Marker: tt.template}, tt.path)
		if !ok || got != tt.want {
			t.Errorf("%s of %s: %q, %v, want %q", tt.template, tt.path, got, ok, tt.want)
		}
		m, err := newMarker(tt.template, false)
		if err != nil || !m.is(tt.want.Base()) || m.is(tt.path.Base()) {
			t.Errorf("%s: %s is a marker: %v; %s is one: %v", tt.template, tt.want, m.is(tt.want.Base()), tt.path, m.is(tt.path.Base()))
		}
	}
	if _, ok := MarkerOf(Rules{Ready: ReadyStable, Marker: "{name}.done"}, "a"); ok {
		t.Error("a marker where none is wanted")
	}
	if m, _ := newMarker("{name}.DONE", true); !m.is("a.Done") {
		t.Error("case counts where it should not")
	}
	for _, bad := range []string{"", ".done", "{name}", "{stem}", "done/{name}", `done\{name}`, "{name}{name}", "{stem}.{ext}", "{nom}.done"} {
		if err := CheckMarker(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// A marker wakes the files that wait for it, and costs nothing for the others, however many wait.
func TestMarkersWakeTheirFiles(t *testing.T) {
	m, err := newMarker("{stem}.DONE", true)
	if err != nil {
		t.Fatal(err)
	}
	s := newSettling(m)
	now := time.Now()
	young := file.Fingerprint{ModTime: now.UnixNano()}
	for n := range 10_000 {
		s.observe(file.Path(fmt.Sprintf("in/%d.xml", n)), young, now, time.Hour, 0)
	}
	for _, name := range []file.Path{"in/7.pdf", "in/8.pdf", "out/7.xml"} {
		s.observe(name, young, now, time.Hour, 0)
	}
	s.drop("in/8.xml")
	told := map[file.Path]bool{"in/7.done": true, "in/8.Done": true, "in/none.done": true}
	s.wake(told, now)
	var due []file.Path
	for _, u := range s.due(now, 100) {
		due = append(due, u.path)
	}
	if want := []file.Path{"in/7.pdf", "in/7.xml", "in/8.pdf"}; !slices.Equal(due, want) {
		t.Errorf("due: %q, want %q", due, want)
	}
	if n := testing.AllocsPerRun(10, func() { s.wake(told, now) }); n > 20 {
		t.Errorf("%v allocations for 3 markers and 10,000 files", n)
	}
	s.clear()
	if s.wake(told, now); len(s.due(now, 1)) != 0 || len(s.byMarker) != 0 {
		t.Errorf("%d markers are waited for by nobody", len(s.byMarker))
	}
}

// setTime sets the modification time of a file.
func setTime(t *testing.T, name string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(name, time.Time{}, at); err != nil {
		t.Fatal(err)
	}
}

func newMarked(t *testing.T, root string) *Watcher {
	t.Helper()
	return newQuick(t, Rules{Root: root, Ready: ReadyMarker, Marker: "{name}.done", Include: []string{"*.xml"}})
}

// Markers that are sent are files too, whatever include says; they still say what they say.
func TestMarkersThatAreSent(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"old.xml", "old.xml.done", "waits.xml", "other.txt", "none.xml.done"} {
		write(t, filepath.Join(root, name), "x")
	}
	w := newQuick(t, Rules{Root: root, Ready: ReadyMarker, Marker: "{name}.done", SendMarkers: true, Include: []string{"*.xml"}, Exclude: []string{"none*"}})
	rec := startWatching(t, w)
	eventually(t, "the file and its marker are ready", func() bool { return rec.isReady("old.xml") && rec.isReady("old.xml.done") })
	write(t, filepath.Join(root, "waits.xml.done"), "x")
	eventually(t, "so are the others", func() bool { return rec.isReady("waits.xml") && rec.isReady("waits.xml.done") })
	for _, p := range []file.Path{"other.txt", "none.xml.done"} {
		if rec.isReady(p) {
			t.Errorf("%s was handed over", p)
		}
	}
	if e := w.Explain("old.xml.done"); e.Kind != File || e.Excluded != "" {
		t.Errorf("%+v", e)
	}
	var seen []file.Path
	if err := w.Survey(t.Context(), "", func(e Entry) bool { seen = append(seen, e.Path); return true }); err != nil ||
		!slices.Equal(seen, []file.Path{"old.xml", "old.xml.done", "waits.xml", "waits.xml.done"}) {
		t.Errorf("surveyed %q, %v", seen, err)
	}
}

func TestRunWaitsForMarkers(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "old.xml"), "x")
	write(t, filepath.Join(root, "old.xml.done"), "")
	w := newMarked(t, root)
	rec := startWatching(t, w)
	if e, _ := rec.readyEntry("old.xml"); e.Marker != "old.xml.done" {
		t.Errorf("the first scan has %+v", e)
	}
	name := filepath.Join(root, "in/a.xml")
	write(t, name, "x")
	write(t, filepath.Join(root, "in/orphan.xml.done"), "")
	waits := func(reason string) {
		t.Helper()
		eventually(t, reason, func() bool {
			e := w.Explain("in/a.xml")
			return e.Settling && e.Reason == reason
		})
	}
	waits("waiting for its marker a.xml.done")
	// A marker that is older than the file is that of an earlier version.
	write(t, name+".done", "")
	setTime(t, name+".done", time.Now().Add(-time.Hour))
	if rec.isReady("in/a.xml") { // between the two calls it was young
		rec.forgetReady()
		write(t, name, "again")
		setTime(t, name, time.Now().Add(time.Minute))
	}
	waits("waiting for a new marker a.xml.done: that one is older than the file")
	rec.forgetReady()
	setTime(t, name+".done", lstat(t, name).Modified()) // not before is enough
	eventually(t, "the file is ready", func() bool { return rec.isReady("in/a.xml") })
	if e, _ := rec.readyEntry("in/a.xml"); e.Marker != "in/a.xml.done" || e.Fingerprint != lstat(t, name) {
		t.Errorf("%+v", e)
	}
	// It counts once: another version wants another, even one with an older stamp.
	rec.forgetReady()
	stamp := lstat(t, name).Modified()
	write(t, name+".tmp", "another version")
	setTime(t, name+".tmp", stamp.Add(-time.Hour))
	rename(t, name+".tmp", name)
	waits("waiting for a new marker a.xml.done: that one was for an earlier version")
	setTime(t, name+".done", stamp.Add(time.Second))
	eventually(t, "the new version is ready", func() bool { return rec.isReady("in/a.xml") })

	for p := range rec.readyPaths() {
		if strings.HasSuffix(string(p), ".done") {
			t.Errorf("the marker %s was handed over", p)
		}
	}
	if e := w.Explain("in/orphan.xml.done"); e.Kind != Other || e.Reason != reasonMarker {
		t.Errorf("explanation of a marker: %+v", e)
	}
}

// Neither quiet time nor a writer holds up a file whose marker is there.
func TestMarkerBeatsQuietTime(t *testing.T) {
	root := t.TempDir()
	w := newMarked(t, root)
	w.rules.StableFor = time.Hour
	rec := startWatching(t, w)
	write(t, filepath.Join(root, "a.xml"), "x")
	write(t, filepath.Join(root, "a.xml.done"), "")
	eventually(t, "the file is ready", func() bool { return rec.isReady("a.xml") })
}

func TestScanShowsMarkers(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a.xml"), "x")
	write(t, filepath.Join(root, "b.xml"), "x")
	write(t, filepath.Join(root, "b.done"), "x")
	got, sum := scanOnce(t, Rules{Root: root, Ready: ReadyMarker, Marker: "{stem}.done"})
	for p, want := range map[file.Path]Kind{"a.xml": File, "b.xml": File, "b.done": Other} {
		e, ok := find(got, p)
		if !ok || e.Kind != want || e.Ready != (p == "b.xml") {
			t.Errorf("%s: %+v", p, e)
		}
	}
	if sum.Files != 2 || sum.Settling != 1 || !sum.Complete {
		t.Errorf("summary %+v", sum)
	}
}

// `once` does not wait for markers: what has none is left.
func TestSettleLeavesWhatHasNoMarker(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a.xml"), "x")
	w := newMarked(t, root)
	rec := &recorder{}
	if _, err := w.Scan(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	left, err := w.Settle(t.Context(), rec, 0)
	if err != nil || len(left) != 1 || left[0].Reason != "waiting for its marker a.xml.done" {
		t.Errorf("left %+v, %v", left, err)
	}
}

func TestUsedMarkersAreBounded(t *testing.T) {
	var u usedMarkers
	for i := range maxUsedMarkers + 100 {
		u.add(file.Path(fmt.Sprint(i)), file.Fingerprint{Size: 1}, file.Fingerprint{Size: 2})
	}
	if len(u) != maxUsedMarkers {
		t.Errorf("%d are kept", len(u))
	}
}

// With ready = "rename" a file is complete when it is seen, whatever its stamps say and whoever has it open.
func TestRunRename(t *testing.T) {
	root := t.TempDir()
	w := newQuick(t, Rules{Root: root, Ready: ReadyRename, StableFor: time.Hour, Exclude: []string{"*.new"}})
	rec := startWatching(t, w)
	name := filepath.Join(root, "in/a.xml")
	write(t, name+".new", "x")
	if runtime.GOOS != "windows" { // where nobody renames what somebody has open
		f, err := os.OpenFile(name+".new", os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
	}
	eventually(t, "the directory is found", func() bool { return rec.status().Watches == watches(2) })
	if len(w.Waiting()) != 0 || rec.isReady("in/a.xml.new") {
		t.Errorf("an excluded name settles: %+v", w.Waiting())
	}
	rename(t, name+".new", name)
	eventually(t, "the file is ready", func() bool { return rec.isReady("in/a.xml") })
	if e, _ := rec.readyEntry("in/a.xml"); e.Fingerprint != lstat(t, name) || !e.Ready {
		t.Errorf("%+v", e)
	}
	got, _ := scanOnce(t, w.rules)
	if e, _ := find(got, "in/a.xml"); !e.Ready {
		t.Errorf("a scan has %+v", e)
	}
}

// A marker that has counted in a scan counts for no other version either. A change of attributes makes no other version.
func TestMarkersOfAScanCountOnce(t *testing.T) {
	root := t.TempDir()
	name := filepath.Join(root, "a.xml")
	write(t, name, "x")
	write(t, name+".done", "")
	w := newMarked(t, root)
	scan := func() Entry {
		t.Helper()
		rec := &recorder{}
		if _, err := w.Scan(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		e, found := find(rec.lastScan(), "a.xml")
		if !found {
			t.Fatal("a.xml is not seen")
		}
		return e
	}
	if e := scan(); !e.Ready {
		t.Fatalf("%+v", e)
	}
	if err := os.Chmod(name, 0o400); err != nil {
		t.Fatal(err)
	}
	if e := scan(); !e.Ready {
		t.Errorf("after a change of the mode: %+v", e)
	}
	write(t, name+".tmp", "another version")
	setTime(t, name+".tmp", time.Now().Add(-time.Hour)) // as a copy keeps it
	rename(t, name+".tmp", name)
	if e := scan(); e.Ready || e.Reason != "waiting for a new marker a.xml.done: that one was for an earlier version" {
		t.Errorf("another version: %+v", e)
	}
	setTime(t, name+".done", time.Now().Add(time.Minute))
	if e := scan(); !e.Ready || e.Marker != "a.xml.done" {
		t.Errorf("with a new marker: %+v", e)
	}
}
