package syncer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/watcher"
)

// TestStuckFilesAreToldOfOnce, and of many only the first few.
func TestStuckFilesAreToldOfOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var stuck []watcher.Entry
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var last time.Time
	add := func(n int) {
		defer func() { began = began.Add(time.Minute) }()
		for range n {
			stuck = append(stuck, watcher.Entry{
				Path: file.Path(fmt.Sprintf("%02d", len(stuck))), Since: began, Reason: "being written",
			})
			last = began
		}
	}
	r.folder.Stuck = func(after time.Time, most int) watcher.Stuck {
		all := slices.DeleteFunc(slices.Clone(stuck), func(e watcher.Entry) bool { return !e.Since.After(after) })
		return watcher.Stuck{Count: len(all), First: all[:min(len(all), most)], Last: last}
	}
	p := New(r.options).Planner(r.folder.Name)
	status := func() { p.Status(watcher.Status{State: watcher.Watching, Stuck: len(stuck)}) }
	status()
	add(1)
	status()
	p.Status(watcher.Status{State: watcher.Scanning, Stuck: len(stuck)})
	status()
	if e := r.await(EventStuck, "00", ""); e.Folder != "out" || e.Reason != "being written since 2026-03-01 12:00 UTC" {
		t.Errorf("%+v", e)
	}
	add(1)
	status()
	r.await(EventStuck, "01", "")
	if n := r.events.count(EventStuck); n != 2 {
		t.Errorf("told %d times", n)
	}
	stuck = stuck[:0]
	status()
	add(25)
	status()
	if n := r.events.count(EventStuck); n != 2+stuckTold+1 {
		t.Errorf("told %d times", n)
	}
	more, _ := r.events.await(func(e *Event) bool { return e.Type == EventStuck && e.Path == "" })
	if !strings.Contains(more.Reason, "5 files more") {
		t.Errorf("%+v", more)
	}
}
