package watcher

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func TestTrust(t *testing.T) {
	base := time.Now()
	at := func(seconds int) time.Time { return base.Add(time.Duration(seconds) * time.Second) }
	stamp := func(seconds int) int64 { return at(seconds).UnixNano() }
	const grace = 5 * time.Second
	// seasoned has had a scan that ended at 0; the next begins at 100.
	seasoned := func() *trust {
		tr := &trust{}
		tr.begin(at(-1), grace)
		tr.end(at(0), unread{})
		return tr
	}
	for _, tt := range []struct {
		name string
		do   func(tr *trust)
		lost bool
	}{
		{"nothing", func(*trust) {}, false},
		{"changed, and nobody told", func(tr *trust) { tr.check("a", stamp(50), at(100)) }, true},
		{"told", func(tr *trust) { tr.tell("a"); tr.check("a", stamp(50), at(100)) }, false},
		{"told soon after: it was renamed just then", func(tr *trust) { tr.check("a", stamp(50), at(100)); tr.tell("a") }, false},
		{"its directory was told of", func(tr *trust) { tr.tell("d"); tr.check("d/e/a", stamp(50), at(100)) }, false},
		{"another was told of", func(tr *trust) { tr.tell("b"); tr.check("a", stamp(50), at(100)) }, true},
		{"there for the scan before", func(tr *trust) { tr.check("a", stamp(-1), at(100)) }, false},
		{"just now: a hint may come yet", func(tr *trust) { tr.check("a", stamp(98), at(100)) }, false},
		{"in the future", func(tr *trust) { tr.check("a", stamp(1000), at(100)) }, false},
		{"hints are known to be lost", func(tr *trust) { tr.skip(); tr.check("a", stamp(50), at(100)) }, false},
		{"too many to remember", func(tr *trust) {
			for i := range maxTold + 1 {
				tr.tell(file.Path(fmt.Sprint(i)))
			}
			tr.check("a", stamp(50), at(100))
		}, false},
	} {
		tr := seasoned()
		tr.begin(at(100), grace)
		tt.do(tr)
		tr.end(at(101), unread{})
		if tr.confirm(at(102), grace, 3) {
			t.Errorf("%s: lost before a hint could come", tt.name)
		}
		if lost := tr.confirm(at(106), grace, 3); lost != tt.lost || tr.lost() != tt.lost {
			t.Errorf("%s: lost %v, want %v", tt.name, lost, tt.lost)
		}
	}

	tr := &trust{}
	tr.begin(at(0), 0)
	tr.check("a", stamp(-50), at(0)) // the first scan has nothing to compare with
	tr.end(at(1), unread{})
	tr.begin(at(100), 0)
	tr.check("a", stamp(50), at(100))
	tr.end(at(101), unread{})
	if !tr.confirm(at(102), 0, 2) || tr.example != "a" {
		t.Fatal("trust is not lost")
	}
	for clean, want := range []bool{true, false} {
		tr.begin(at(200+clean), 0)
		if tr.end(at(201+clean), unread{}); tr.lost() != want {
			t.Errorf("lost after %d clean scans: %v", clean+1, tr.lost())
		}
	}

	// Nobody listened before the first scan, however soon the second one follows.
	tr = seasoned()
	tr.begin(at(1), grace)
	tr.end(at(2), unread{})
	tr.begin(at(100), grace)
	if tr.check("a", stamp(-2), at(100)); len(tr.suspects) > 0 {
		t.Error("a change before the first scan is suspect")
	}

	// What was told is remembered for as long as a scan may ask for it, however often the folder is scanned.
	tr = seasoned()
	for second := 1; second < 100; second++ {
		p := file.Path(fmt.Sprint(second))
		tr.tell(p)
		tr.begin(at(second), grace)
		for age := range 10 {
			if second > age {
				tr.check(file.Path(fmt.Sprint(second-age)), stamp(second-age), at(second))
			}
		}
		tr.end(at(second), unread{})
		if len(tr.suspects) > 0 {
			t.Fatalf("%d is suspect at %d", second, second)
		}
	}
}

// A system that tells nothing is found out by a scan, and the folder polled until hints come again.
func TestRunDistrustsHints(t *testing.T) {
	root := t.TempDir()
	mkdir(t, filepath.Join(root, "sub"))
	w := newQuick(t, Rules{Root: root, Poll: 60 * time.Millisecond})
	w.notify = func(string, *dirty) (notifier, error) { return &silent{}, nil }
	rec := startWatching(t, w)
	time.Sleep(20 * time.Millisecond) // the kernel's times of files lag by a few milliseconds: this one shall be later than the scan
	write(t, filepath.Join(root, "sub/untold"), "x")
	eventually(t, "a scan has found it", func() bool {
		w.Rescan()
		return rec.status().Unreliable
	})
	s := rec.statusWhere(func(s Status) bool { return s.Unreliable && s.State == Polling })
	if !strings.HasPrefix(s.Reason, "A scan of "+root+" has found changes that the operating system did not tell of, "+
		filepath.Join(root, "sub/untold")+" for one. It is scanned every 0.06 s until 3 scans in a row find none.") || !s.Polling {
		t.Errorf("status %+v", s)
	}
	eventually(t, "it is trusted again", func() bool { s := rec.status(); return s.State == Watching && s.Reason == "" && !s.Unreliable })
	if !rec.isReady("sub/untold") {
		t.Error("the file is not ready")
	}
}

// What hints do tell of is no reason for distrust, whatever happens to it and however often it is scanned.
func TestRunTrustsGoodHints(t *testing.T) {
	root := t.TempDir()
	w := newQuick(t, Rules{Root: root})
	rec := startWatching(t, w)
	for i := range 30 {
		dir := filepath.Join(root, fmt.Sprint("d", i%7), "deep")
		write(t, filepath.Join(dir, fmt.Sprint("f", i)), "x")
		if i%3 == 0 {
			rename(t, filepath.Dir(dir), filepath.Join(root, fmt.Sprint("e", i)))
		}
		rescan(t, w, rec)
	}
	eventually(t, "all is ready", func() bool { return rec.status().Settling == 0 && rec.status().Files == 30 })
	if s := rec.statusWhere(func(s Status) bool { return s.Unreliable }); s.Unreliable {
		t.Errorf("status %+v", s)
	}
}
