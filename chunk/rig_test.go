package chunk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// little cuts contents of some hundred bytes as usual cuts those of some MiB.
var little = scale{
	least: 16, most: 128, ends: math.MaxUint64 / 32, block: 8,
	detailed: 1 << 20, known: 1 << 20,
	window: 512, longest: 200, spare: 64,
}

// random returns bytes that are the same for each name.
func random(name string, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(name))).Read(b) // it never fails
	return b
}

// built returns the index that a Builder makes of a content, which it is given in pieces.
func built(s *scale, content []byte, piece int) *Index {
	b := newBuilder(s)
	for p := range slices.Chunk(content, piece) {
		_, _ = b.Write(p) // it fails after Index alone
	}
	return b.Index()
}

func encoded(t testing.TB, x encoding.BinaryMarshaler) []byte {
	t.Helper()
	b, err := x.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// planned lets a plan be made of two contents and looks at everything that has to be true of it. It returns the spans and how many bytes
// are to be written.
func planned(t testing.TB, s *scale, old, content []byte) (spans []Span, written int64) {
	t.Helper()
	spans, next, err := plannedOf(t.Context(), s, built(s, old, len(old)+1), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for _, span := range spans {
		if span.Copied() && span.Length > s.longest {
			t.Errorf("%+v is longer than %d bytes", span, s.longest)
		}
	}
	spans = joined(s, spans)
	written = follow(t, spans, old, content)
	if !bytes.Equal(encoded(t, next), encoded(t, built(s, content, len(content)+1))) {
		t.Error("the plan's index is not that of a Builder")
	}
	return spans, written
}

// plannedOf returns all spans of a plan, as they come.
func plannedOf(ctx context.Context, s *scale, old *Index, content io.Reader) (spans []Span, next *Index, err error) {
	next, err = plan(ctx, s, old, content, func(span Span) { spans = append(spans, span) })
	return spans, next, err
}

// joined makes one of the pieces of what is copied, where they are as long as pieces are.
func joined(s *scale, pieces []Span) (spans []Span) {
	last := int64(0) // bytes of the piece before
	for _, piece := range pieces {
		if n := len(spans); last == s.longest && spans[n-1].goesOnWith(piece) {
			spans[n-1].Length += piece.Length
		} else {
			spans = append(spans, piece)
		}
		last = piece.Length
	}
	return spans
}

// follow makes the new content of the old one by a plan.
func follow(t testing.TB, spans []Span, old, content []byte) (written int64) {
	t.Helper()
	size := int64(len(content))
	made := make([]byte, 0, size)
	for i, s := range spans {
		if s.At != int64(len(made)) || s.Length <= 0 || s.Length > size-s.At {
			t.Fatalf("span %d is %+v, with %d of %d bytes before it", i, s, len(made), size)
		}
		if !s.Copied() {
			written += s.Length
			made = append(made, content[s.At:s.At+s.Length]...)
		} else {
			if s.From < 0 || s.From > int64(len(old))-s.Length {
				t.Fatalf("span %d is %+v, and the old content has %d bytes", i, s, len(old))
			}
			made = append(made, old[s.From:s.From+s.Length]...)
		}
		if i == 0 || s.Copied() != spans[i-1].Copied() {
			continue
		}
		if !s.Copied() || spans[i-1].From+spans[i-1].Length == s.From {
			t.Errorf("spans %d and %d could be one: %+v, %+v", i-1, i, spans[i-1], s)
		}
	}
	if !bytes.Equal(made, content) {
		t.Fatal("what the plan makes is not the new content")
	}
	return written
}
