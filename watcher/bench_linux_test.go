package watcher

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkScan scans 303,030 entries, 3,000 directories of 100 files in 30, warm: with all that a scan does, and as bare
// system calls, which is the floor on this machine.
func BenchmarkScan(b *testing.B) {
	root := b.TempDir()
	for i := range 3000 {
		dir := filepath.Join(root, fmt.Sprintf("group-%02d", i%30), fmt.Sprintf("directory-%04d", i))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
		for j := range 100 {
			if err := unix.Mknod(filepath.Join(dir, fmt.Sprintf("some-file-%04d.xml", j)), unix.S_IFREG|0o644, 0); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("scan", func(b *testing.B) {
		w, err := New(Rules{Root: root, Exclude: []string{".DS_Store", "Thumbs.db"}, StableFor: time.Nanosecond}, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if sum, err := w.Scan(b.Context(), discard{}); err != nil || sum.Files != 300_000 || !sum.Complete {
				b.Fatalf("%+v, %v", sum, err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			d, err := openRoot(root)
			if err != nil {
				b.Fatal(err)
			}
			if n := bare(b, d, &listing{}); n != 303_030 {
				b.Fatal(n)
			}
			d.close()
		}
	})
}

// bare reads the directories below d and takes a stat of every file.
func bare(b *testing.B, d *dir, room *listing) (n int) {
	ents, err := d.list(room)
	if err != nil {
		b.Fatal(err)
	}
	var st unix.Stat_t
	for _, ent := range ents {
		n++
		if ent.kind != Dir {
			if err := unix.Fstatat(d.fd, ent.name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
				b.Fatal(err)
			}
			continue
		}
		sub, err := d.enter(ent.name)
		if err != nil {
			b.Fatal(err)
		}
		n += bare(b, sub, room)
		sub.close()
	}
	room.giveBack(ents)
	return n
}

// discard takes everything and keeps nothing.
type discard struct{}

func (discard) Scan(_ context.Context, entries iter.Seq[Entry]) error {
	for range entries {
		continue
	}
	return nil
}
func (discard) Ready(context.Context, []Entry) error { return nil }
func (discard) Status(Status)                        {}
