package watcher

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A place that may never be read, as lost+found of a disk, keeps nobody from finding out that hints are lost elsewhere.
func TestRunDistrustsHintsBesideAnUnreadablePlace(t *testing.T) {
	if !asNobody(t) {
		return
	}
	root := t.TempDir()
	closed := mkdir(t, filepath.Join(root, "lost+found"))
	write(t, filepath.Join(closed, "early"), "x")
	sub := mkdir(t, filepath.Join(root, "sub"))
	t.Cleanup(func() { _ = os.Chmod(closed, 0o700) })
	if err := os.Chmod(closed, 0o300); err != nil { // it can be written to, unseen
		t.Fatal(err)
	}
	w := newQuick(t, Rules{Root: root, Poll: 60 * time.Millisecond})
	w.notify = func(string, *dirty) (notifier, error) { return &silent{}, nil }
	rec := startWatching(t, w)
	if eventually(t, "two scans", func() bool { return rec.scanned() > 0 }); rec.status().Complete {
		t.Fatal("the scan is complete")
	}

	// What comes to light is no reason for distrust, though nobody has told of it.
	rescan(t, w, rec)
	write(t, filepath.Join(closed, "unseen"), "x")
	time.Sleep(2 * w.tempo.grace) // until a hint of it would have come
	rescan(t, w, rec)
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		rescan(t, w, rec)
		time.Sleep(2 * w.tempo.grace) // as above
	}
	if s := rec.status(); s.Unreliable {
		t.Fatalf("distrusted: %+v", s)
	}
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	rescan(t, w, rec)

	write(t, filepath.Join(sub, "untold"), "x")
	eventually(t, "a scan has found it", func() bool {
		w.Rescan()
		return rec.status().Unreliable
	})
	if s := rec.status(); s.Complete {
		t.Errorf("status: %+v", s)
	}
}

// The watches of directories that are gone are dropped all the same; those of what cannot be read stay.
func TestWatchesAreSweptBesideAnUnreadablePlace(t *testing.T) {
	if !asNobody(t) {
		return
	}
	root := t.TempDir()
	closed := mkdir(t, filepath.Join(root, "closed/inner"))
	closed = filepath.Dir(closed)
	mkdir(t, filepath.Join(root, "gone/inner"))
	w := newQuick(t, Rules{Root: root})
	w.notify = func(string, *dirty) (notifier, error) { return &silent{}, nil }
	rec := startWatching(t, w)
	eventually(t, "all are watched", func() bool { return rec.status().Watches == 5 })
	t.Cleanup(func() { _ = os.Chmod(closed, 0o700) })
	if err := errors.Join(os.Chmod(closed, 0), os.RemoveAll(filepath.Join(root, "gone"))); err != nil {
		t.Fatal(err)
	}
	w.Rescan()
	eventually(t, "those of the directories that are gone are not", func() bool { s := rec.status(); return !s.Complete && s.Watches == 3 })
}
