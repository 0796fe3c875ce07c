//go:build unix

package state

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// cpuTime is what this process has used so far, in user and in system mode.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkDeliveries takes 2,000 files through their whole life, as a link with 64 transfers does.
func BenchmarkDeliveries(b *testing.B) {
	const files, planned, transfers = 2000, 500, 64
	for _, keep := range []bool{true, false} {
		b.Run(fmt.Sprintf("keep=%t", keep), func(b *testing.B) {
			var cpu time.Duration
			var commits int64
			for b.Loop() {
				b.StopTimer()
				s := openAt(b, b.TempDir())
				plans := make([]Plan, files)
				for i := range plans {
					plans[i] = Plan{Intent: intentFor(route, file.Path(fmt.Sprintf("dir%02d/file-%04d.xml", i/40, i)))}
				}
				runtime.GC()
				before, made := cpuTime(b), s.writer.commits.Load()
				b.StartTimer()

				for i := 0; i < files; i += planned {
					if _, err := s.Plan(b.Context(), plans[i:i+planned]); err != nil {
						b.Fatal(err)
					}
				}
				next := make(chan Intent)
				var links sync.WaitGroup
				for range transfers {
					links.Go(func() {
						for in := range next {
							deliver(b, s, in, keep)
						}
					})
				}
				for i := range plans {
					next <- plans[i].Intent
				}
				close(next)
				links.Wait()

				b.StopTimer()
				cpu += cpuTime(b) - before
				commits += s.writer.commits.Load() - made
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(cpu.Milliseconds())/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(commits)/float64(b.N), "commits/op")
		})
	}
}

// BenchmarkMillion measures what a store of 1,000,000 known files costs: to open, to walk, to count.
func BenchmarkMillion(b *testing.B) {
	const files = 1_000_000
	dir := b.TempDir()
	s := openAt(b, dir)
	fillKnown(b, s, files)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			s := openAt(b, dir)
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	s = openAt(b, dir)
	b.Run("walk", func(b *testing.B) {
		var peak uint64
		for b.Loop() {
			n := 0
			for r, err := range s.Walk(b.Context(), route.Folder) {
				if err != nil || len(r.Known) != 1 {
					b.Fatal(r, err)
				}
				if n++; n%100_000 == 0 {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					peak = max(peak, m.HeapAlloc)
				}
			}
			if n != files {
				b.Fatalf("walked %d of %d", n, files)
			}
		}
		b.ReportMetric(float64(peak)/(1<<20), "peak-heap-MiB")
	})
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			if c, err := s.Counts(b.Context()); err != nil || c[0].Known != files {
				b.Fatal(c, err)
			}
		}
	})
	b.Run("due", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Due(b.Context(), route.Destination, time.Now(), 64, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("lookup", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if r, err := s.Lookup(b.Context(), route.Folder, manyPath(i*7919%files)); err != nil || len(r.Known) != 1 {
				b.Fatal(r, err)
			}
		}
	})
}

// BenchmarkMillionWaiting measures what it costs to choose among 1,000,000 planned intents: in the order of planning, by
// size, in strict order, and where one in ten goes last.
func BenchmarkMillionWaiting(b *testing.B) {
	const files = 1_000_000
	turns := map[string]struct {
		ordered Ordered
		turn    func(i int) Turn
	}{
		"free":   {Ordered{}, func(int) Turn { return Turn{} }},
		"size":   {Ordered{Others: Placed}, func(i int) Turn { return Turn{Kind: Placed, Place: int64(i * 7919 % files)} }},
		"strict": {Ordered{Others: InLine}, func(i int) Turn { return Turn{Kind: InLine, Place: int64(i * 7919 % files)} }},
		"last": {Ordered{Last: 1}, func(i int) Turn {
			if i%10 == 0 {
				return Turn{Kind: Last, Dirs: true}
			}
			return Turn{Dirs: true}
		}},
	}
	for name, c := range turns {
		s := openAt(b, b.TempDir())
		for i := 0; i < files; i += 10_000 {
			plans := make([]Plan, 10_000)
			for j := range plans {
				plans[j] = Plan{Intent: intentFor(route, manyPath(i+j)), Turn: c.turn(i + j)}
			}
			if _, err := s.Plan(b.Context(), plans); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(name+"/due", func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Due(b.Context(), route.Destination, time.Now(), 256, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/placed", func(b *testing.B) {
			for b.Loop() {
				if _, err := s.DuePlaced(b.Context(), route, time.Now(), 256, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/line", func(b *testing.B) {
			groups := 0
			for b.Loop() {
				groups = 0
				_, err := s.Line(b.Context(), route, c.ordered, nil, func(*Group) bool { groups++; return true })
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(groups), "groups")
		})
		b.Run(name+"/ahead", func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Ahead(b.Context(), route, c.ordered, Last, manyPath(files/2).Dir()); err != nil {
					b.Fatal(err)
				}
			}
		})
		closeStore(b, s)
	}
}
