package main

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestParseWorkloads(t *testing.T) {
	for _, c := range []struct {
		list  string
		scale float64
		want  []workload
	}{
		{defaultWorkloads, 1, []workload{{1, 512 << 20, 0}, {200, 1 << 20, 0}, {2000, 4096, 50}}},
		{defaultWorkloads, 0.01, []workload{{1, 5368709, 0}, {2, 1 << 20, 0}, {20, 4096, 20}}},
		{" 3x7 , 1x2GiB", 1, []workload{{3, 7, 0}, {1, 2 << 30, 0}}},
		{"200x1MiB", 0.0001, []workload{{1, 1 << 20, 0}}},
	} {
		got, err := parseWorkloads(c.list)
		for i := range got {
			got[i] = got[i].scaled(c.scale)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q by %v: %v, %v; want %v", c.list, c.scale, got, err, c.want)
		}
	}
	for _, list := range []string{"", ",", "4KiB", "0x4KiB", "1x", "x1MiB", "1x4KiB/", "1x4KiB/-1", "1x4kb", "1x-4", "1x9999999GiB"} {
		if got, err := parseWorkloads(list); err == nil {
			t.Errorf("%q is taken as %v", list, got)
		}
	}
}

func TestWorkloadMake(t *testing.T) {
	w := workload{count: 5, size: 1<<20 + 3, dirs: 2}
	one, err := w.make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	two, err := w.make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := one.want.compare(filepath.Dir(two.dir)); err != nil {
		t.Errorf("not the same each time: %v", err)
	}
	whole := sha256.New()
	for _, name := range one.files {
		content, err := os.ReadFile(filepath.Join(filepath.Dir(one.dir), name))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = whole.Write(content)
	}
	if one.whole != [sha256.Size]byte(whole.Sum(nil)) {
		t.Error("the sum of the whole is another")
	}
	if got := len(one.want); got != 1+2+5 || len(one.files) != 5 {
		t.Errorf("%d entries", got)
	}
	sums := map[[32]byte]bool{}
	for name, e := range one.want {
		if e.dir {
			continue
		}
		sums[e.sum] = true
		info, err := os.Stat(filepath.Join(filepath.Dir(one.dir), name))
		if err != nil {
			t.Fatal(err)
		}
		if age := time.Since(info.ModTime()); age < 30*time.Minute {
			t.Errorf("%s is %v old", name, age)
		}
	}
	if len(sums) != 5 {
		t.Errorf("%d files differ of 5", len(sums))
	}
}

func TestFormats(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 7: "7 B", 4096: "4 KiB", 5368709: "5.1 MiB", 512 << 20: "512 MiB", 1 << 30: "1 GiB", 1536: "1536 B", 6000: "5.9 KiB"} {
		if got := formatBytes(n); got != want {
			t.Errorf("%d bytes: %q, want %q", n, got, want)
		}
	}
	for x, want := range map[float64]string{0: "0.00", 1.755: "1.75", 9.999: "10.0", 42.04: "42.0", 99.96: "100", 600: "600"} {
		if got := formatNumber(x); got != want {
			t.Errorf("%v: %q, want %q", x, got, want)
		}
	}
}
