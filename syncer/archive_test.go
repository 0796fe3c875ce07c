package syncer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// elsewhere returns a directory on another file system than the test's.
func elsewhere(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "dropferry-test-")
	if err != nil {
		t.Skipf("no second file system: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	from, to := filepath.Join(t.TempDir(), "probe"), filepath.Join(dir, "probe")
	if err := os.WriteFile(from, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := renameNoReplace(from, to); !isCrossDevice(err) {
		t.Skipf("/dev/shm is on the same file system: %v", err)
	}
	return dir
}

// onBoth runs a test with the archive on the folder's file system and on another.
func onBoth(t *testing.T, test func(t *testing.T, r *rig, archive string)) {
	t.Helper()
	for _, name := range []string{"same file system", "other file system"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newStory(t, Archive)
			archive := r.at("sent")
			if name == "other file system" {
				archive = elsewhere(t)
			}
			r.folder.ArchivePath = func(p file.Path, _ time.Time) string {
				return filepath.Join(archive, "2026", filepath.FromSlash(string(p)))
			}
			test(t, r, filepath.Join(archive, "2026"))
		})
	}
}

func TestArchive(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, r *rig, archive string) {
		content := strings.Repeat("0123456789abcdef", 10_000)
		i := r.delivered("a.xml", content, remote.ReadBack)[0]
		r.must(os.Chmod(r.source("a.xml"), 0o440))
		before, err := os.Stat(r.source("a.xml"))
		r.must(err)
		r.takeAway(i.Version)
		e := r.await(EventArchived, "a.xml", "")
		if e.Reason != filepath.Join(archive, "a.xml") {
			t.Errorf("archived as %s", e.Reason)
		}
		wantTree(t, archive, map[string]string{"a.xml": content})
		r.wantFolder(map[string]string{})
		after, err := os.Stat(e.Reason)
		r.must(err)
		if after.Mode() != before.Mode() || !after.ModTime().Equal(before.ModTime()) {
			t.Errorf("%v of %v became %v of %v", before.Mode(), before.ModTime(), after.Mode(), after.ModTime())
		}
	})
}

func TestAnArchivedFileIsNeverReplaced(t *testing.T) {
	t.Parallel()
	for _, theirs := range []string{"1", "other"} { // the same content is no licence
		t.Run(theirs, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, r *rig, archive string) {
				r.must(os.MkdirAll(archive, 0o755))
				r.must(os.WriteFile(filepath.Join(archive, "a.xml"), []byte(theirs), 0o600))
				yesterday := time.Now().AddDate(0, 0, -1)
				r.must(os.Chtimes(filepath.Join(archive, "a.xml"), yesterday, yesterday))
				i := r.delivered("a.xml", "1", remote.ReadBack)[0]
				r.takeAway(i.Version)
				wantTree(t, archive, map[string]string{"a.xml": theirs, "a." + i.Version + ".xml": "1"})
				if e := r.await(EventArchived, "a.xml", ""); e.Reason != filepath.Join(archive, "a."+i.Version+".xml") {
					t.Errorf("archived as %s", e.Reason)
				}
				r.wantFolder(map[string]string{})
			})
		})
	}
}

// TestADirectoryAtTheArchivePath is no file to be replaced either.
func TestADirectoryAtTheArchivePath(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, r *rig, archive string) {
		r.must(os.MkdirAll(filepath.Join(archive, "a"), 0o755))
		i := r.delivered("a", "1", remote.ReadBack)[0]
		r.takeAway(i.Version)
		wantTree(t, archive, map[string]string{"a." + i.Version: "1"})
	})
}

// TestACopyThatWasCutOff finds what a crash has left of a move to another file system.
func TestACopyThatWasCutOff(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		leave func(r *rig, i *state.Intent, archive string)
		want  func(i *state.Intent) map[string]string
	}{
		{"part of the copy", func(r *rig, i *state.Intent, archive string) {
			r.must(os.WriteFile(filepath.Join(archive, file.PrivateName("a", i.Version, file.TempSuffix)), []byte("cont"), 0o400))
		}, func(*state.Intent) map[string]string { return map[string]string{"a": "content"} }},
		{"the whole copy under its private name", func(r *rig, i *state.Intent, archive string) {
			r.must(copyFile(context.Background(), r.private(i), filepath.Join(archive, file.PrivateName("a", i.Version, file.TempSuffix))))
		}, func(*state.Intent) map[string]string { return map[string]string{"a": "content"} }},
		{"the copy, and the original not removed", func(r *rig, i *state.Intent, archive string) {
			r.must(copyFile(context.Background(), r.private(i), filepath.Join(archive, "a")))
		}, func(*state.Intent) map[string]string { return map[string]string{"a": "content"} }},
		{"the copy beside another, and the original not removed", func(r *rig, i *state.Intent, archive string) {
			r.must(os.WriteFile(filepath.Join(archive, "a"), []byte("other"), 0o600))
			r.must(copyFile(context.Background(), r.private(i), filepath.Join(archive, "a."+i.Version)))
		}, func(i *state.Intent) map[string]string {
			return map[string]string{"a": "other", "a." + i.Version: "content"}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newStory(t, Archive)
			archive := elsewhere(t)
			r.folder.ArchivePath = func(p file.Path, _ time.Time) string { return filepath.Join(archive, string(p)) }
			i := r.delivered("a", "content", remote.ReadBack)[0]
			r.leave(&i)
			row.leave(r, &i, archive)
			r.takeAway(i.Version)
			wantTree(t, archive, row.want(&i))
			r.wantFolder(map[string]string{})
			r.wantClosed(&i, true, false)
			r.wantNone(EventFailed)
		})
	}
}

// TestACopyEndsWithTheProgram stops in the middle of a copy: nothing is lost, and no part of it stays in the archive.
func TestACopyEndsWithTheProgram(t *testing.T) {
	t.Parallel()
	r := newStory(t, Archive)
	archive := elsewhere(t)
	r.folder.ArchivePath = func(p file.Path, _ time.Time) string { return filepath.Join(archive, string(p)) }
	i := r.delivered("a", strings.Repeat("x", 1<<20), remote.ReadBack)[0]
	r.leave(&i)
	before, err := newTakeaway(t.Context(), r.store, r.folder, []state.Intent{i})
	r.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := before.copy(ctx, filepath.Join(archive, "a")); !errors.Is(err, context.Canceled) {
		t.Errorf("the copy ended with %v", err)
	}
	wantTree(t, archive, map[string]string{})
	if _, err := os.Lstat(r.private(&i)); err != nil {
		t.Errorf("the original: %v", err)
	}
	takeAway(ctx, r.store, r.folder, i.Version, settledClock, r.events.observe)
	r.wantNone(EventFailed) // an end is no failure
	r.takeAway(i.Version)
	r.await(EventArchived, "a", "")
}

// TestAnArchiveThatCannotBeWrittenKeepsTheFile runs as an account that may not write there; root may everything.
func TestAnArchiveThatCannotBeWrittenKeepsTheFile(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("another account can be taken on by root only")
	}
	t.Parallel()
	dir, err := os.MkdirTemp("", "dropferry-child-") // t.TempDir is closed to other accounts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	work := filepath.Join(dir, "work")
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(work, 0o755), os.Chown(work, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	out, err := runAs(t, nobody, dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("the promise holds")) {
		t.Errorf("the child said %q", out)
	}
}

// unwritable is what the child does: the archive cannot be written to, and then it can.
func unwritable(dir string) error {
	ctx := context.Background()
	root, archive := filepath.Join(dir, "work", "out"), filepath.Join(dir, "work", "sent")
	if err := errors.Join(os.Mkdir(root, 0o700), os.Mkdir(archive, 0o500)); err != nil {
		return err
	}
	store, err := state.Open(ctx, filepath.Join(dir, "work", "state"))
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // the process ends
	folder := &Folder{
		Name: "out", Root: root, After: Archive, Verify: remote.Content, Hint: func(file.Path) {},
		ArchivePath: func(p file.Path, _ time.Time) string { return filepath.Join(archive, string(p)) },
		Routes:      []Route{{Destination: "acme", RemotePath: func(p file.Path, _ time.Time) string { return string(p) }}},
	}
	version, err := deliverAlone(ctx, store, folder, "a", "content")
	if err != nil {
		return err
	}
	var told Event
	try := func() { takeAway(ctx, store, folder, version, settledClock, func(e Event) { told = e }) }
	try()
	left, err := os.ReadDir(root)
	switch {
	case err != nil:
		return err
	case told.Type != EventFailed || told.Path != "a" || !errors.Is(told.Err, fs.ErrPermission):
		return fmt.Errorf("told: %+v", told)
	case len(left) != 1 || !strings.Contains(told.Reason, left[0].Name()):
		return fmt.Errorf("%d files are left, and the error does not say so: %s", len(left), told.Reason)
	}
	if err := os.Chmod(archive, 0o700); err != nil {
		return err
	}
	try()
	content, err := os.ReadFile(filepath.Join(archive, "a"))
	if told.Type != EventArchived || string(content) != "content" {
		return errors.Join(err, fmt.Errorf("told: %+v", told))
	}
	return nil
}
