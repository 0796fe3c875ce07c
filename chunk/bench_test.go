package chunk

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// The figures of these are for docs/performance.md: MiB/s of one processor, and how much of 64 MiB would be written.
const benchSize = 64 << 20

func BenchmarkCut(b *testing.B) {
	content := random("content", benchSize)
	b.SetBytes(benchSize)
	for b.Loop() {
		for rest := content; len(rest) > 0; {
			rest = rest[usual.cut(rest):]
		}
	}
}

func BenchmarkBuilder(b *testing.B) {
	content := random("content", benchSize)
	b.SetBytes(benchSize)
	var x *Index
	for b.Loop() {
		x = built(&usual, content, 1<<20)
	}
	b.ReportMetric(float64(len(encoded(b, x)))*(1<<30/benchSize)/(1<<20), "MiB-index/GiB")
}

func BenchmarkPlan(b *testing.B) {
	old := random("content", benchSize)
	rows := slices.Clone(old)
	drawn := rand.New(rand.NewPCG(1, 2))
	for range benchSize / 4096 / 10 { // pages of a database
		binary.NativeEndian.PutUint64(rows[drawn.IntN(benchSize/4096)*4096+drawn.IntN(4000):], drawn.Uint64())
	}
	for _, c := range []struct {
		name string
		new  []byte
	}{
		{"same", old},
		{"inserted", slices.Concat(old[:1000], old[:1024], old[1000:])},
		{"scattered", scattered(old, 125, 4096)},
		{"pages", rows},
		{"unrelated", random("other", benchSize)},
	} {
		b.Run(c.name, func(b *testing.B) {
			x := built(&usual, old, 1<<20)
			b.SetBytes(benchSize)
			var spans []Span
			for b.Loop() {
				var err error
				if spans, _, err = plannedOf(b.Context(), &usual, x, bytes.NewReader(c.new)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(follow(b, joined(&usual, spans), old, c.new))/(1<<20), "MiB-written")
			b.ReportMetric(float64(len(spans)), "spans")
		})
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	text := encoded(b, built(&usual, random("content", benchSize), 1<<20))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		var x Index
		if err := x.UnmarshalBinary(text); err != nil {
			b.Fatal(err)
		}
	}
}
