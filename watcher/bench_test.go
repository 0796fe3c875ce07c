package watcher

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkScan scans 303,000 entries: 3,000 directories of 100 files.
func BenchmarkScan(b *testing.B) {
	root := b.TempDir()
	for i := range 3000 {
		dir := filepath.Join(root, fmt.Sprintf("group-%02d", i%30), fmt.Sprintf("directory-%04d", i))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
		for j := range 100 {
			f, err := os.Create(filepath.Join(dir, fmt.Sprintf("some-file-%04d.xml", j)))
			if err != nil {
				b.Fatal(err)
			}
			_ = f.Close()
		}
	}
	w, err := New(Rules{Root: root, Exclude: []string{".DS_Store", "Thumbs.db"}, StableFor: time.Nanosecond}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		sum, err := w.Scan(b.Context(), discard{})
		if err != nil || sum.Files != 300_000 || !sum.Complete {
			b.Fatalf("%+v, %v", sum, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/303.03, "us/1000entries")
}
