package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// TestOutlook tells what a waiting file waits for, and leaves alone what waits for nobody.
func TestOutlook(t *testing.T) {
	next := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	link := func(s syncer.LinkState) work {
		return work{running: true, links: map[string]syncer.LinkStatus{"acme": {State: s, Reason: "refused", NextAttempt: next}}}
	}
	for _, c := range []struct {
		name   string
		at     work
		state  string
		want   string
		reason string
	}{
		{"no agent", work{}, "queued", "queued", "no agent is running"},
		{"its turn", link(syncer.LinkActive), "queued", "queued", "why"},
		{"server away", link(syncer.LinkWaiting), "queued", "queued", "refused; next attempt 2026-11-20T12:00:00Z; `dropferry retry destination:acme` tries at once"},
		{"failed, and the server away", link(syncer.LinkWaiting), "failed", "failed", "next attempt 2026-11-20T12:00:00Z"},
		{"blocked", link(syncer.LinkBlocked), "queued", "blocked", "until a person acts: refused"},
		{"delivered", link(syncer.LinkBlocked), "delivered", "delivered", "why"},
		{"held", work{}, "held", "held", "why"},
	} {
		r := control.RouteOf{Destination: "acme", State: c.state, Reason: "why"}
		c.at.outlook(&r)
		if r.State != c.want || !strings.Contains(r.Reason, c.reason) {
			t.Errorf("%s: %+v", c.name, r)
		}
		if c.state == "delivered" && r.NextAttempt != nil {
			t.Errorf("%s: a next attempt of what is done", c.name)
		}
	}
}

// TestUnseen tells why nothing is removed after a scan that was not complete.
func TestUnseen(t *testing.T) {
	rules := &syncer.Folder{Name: "out", Mirror: true}
	f := &folder{rules: rules, planner: syncer.New(syncer.Options{Folders: []*syncer.Folder{rules}}).Planner("out")}
	if got := (work{running: true}).unseen(f); got != "" {
		t.Errorf("before the first scan: %q", got)
	}
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	f.planner.Status(watcher.Status{LastScan: at, Reason: "open /srv/out/closed: permission denied"})
	got := (work{running: true}).unseen(f)
	if !strings.Contains(got, "the last scan, at 2026-11-20T12:00:00Z, was not complete") || !strings.HasSuffix(got, ": open /srv/out/closed: permission denied") {
		t.Errorf("%q", got)
	}
	if got := (work{}).unseen(f); got != "" {
		t.Errorf("without an agent: %q", got)
	}
	f.planner.Status(watcher.Status{LastScan: at, Complete: true, Reason: "polled"})
	if got := (work{running: true}).unseen(f); got != "" {
		t.Errorf("after a complete scan: %q", got)
	}
}

func TestFolderFor(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"out/inner", "other"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	folders := []*folder{
		{config: &config.Folder{Name: "out", Path: at("out")}}, {config: &config.Folder{Name: "inner", Path: at("out/inner")}},
	}
	cases := map[string]struct {
		folder string
		path   file.Path
	}{
		"out/a.txt": {"out", "a.txt"}, "out/sub/a.txt": {"out", "sub/a.txt"}, "out": {"out", ""},
		"out/inner/a.txt": {"inner", "a.txt"}, "other/a.txt": {}, "outside": {}, "a.txt": {},
	}
	if err := os.Symlink(at("out"), at("link")); err == nil {
		cases["link/a.txt"] = struct {
			folder string
			path   file.Path
		}{"out", "a.txt"}
	}
	for name, want := range cases {
		f, p, ok := folderFor(folders, at(name))
		if ok != (want.folder != "") || (ok && (f.config.Name != want.folder || p != want.path)) {
			t.Errorf("%s: %v, %q, %v", name, f, p, ok)
		}
	}
}
