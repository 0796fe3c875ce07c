package chunk

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzPlan takes any two contents: by the plan, the new one can be made of the old one. Both are cut in the small, where a few hundred
// bytes meet all that happens in the large.
func FuzzPlan(f *testing.F) {
	one, other := random("one", 900), random("other", 900)
	f.Add([]byte{}, []byte{})
	f.Add(one, one)
	f.Add(one, other)
	f.Add(one, slices.Concat(one[:300], other[:5], one[300:]))
	f.Add(one, slices.Concat(one[500:], one[:500]))
	f.Add(slices.Concat(one, make([]byte, 400), other), slices.Concat(other, make([]byte, 300), one[9:]))
	f.Add(bytes.Repeat([]byte("abc"), 200), bytes.Repeat([]byte("abc"), 300))
	f.Fuzz(func(t *testing.T, old, content []byte) {
		spans, written := planned(t, &little, old, content)
		if bytes.Equal(old, content) && (written > 0 || slices.ContainsFunc(spans, func(s Span) bool { return s.From != s.At })) {
			t.Errorf("of the same content, %d bytes are to be written: %+v", written, spans)
		}
		// Where an index ends early, less is found, and nothing wrong.
		s := little
		s.detailed, s.known = int64(len(old)/3), int64(len(old)/2)
		planned(t, &s, old, content)
	})
}

// FuzzIndex takes any bytes, with a checksum that is right, for an index: either they are refused, or they are one.
func FuzzIndex(f *testing.F) {
	for _, size := range []int{0, 10, 500, 5000} {
		s := little
		for _, s.known = range []int64{1 << 20, 300} {
			s.detailed = s.known / 2
			b := encoded(f, built(&s, random("content", size), 100))
			f.Add(b[:len(b)-8])
		}
	}
	content := random("content", 1000)
	f.Fuzz(func(t *testing.T, body []byte) {
		b := summed(body)
		x, err := decode(&little, b)
		if err != nil {
			return
		}
		again, err := decode(&little, encoded(t, &x))
		if err != nil || again.size != x.size || !slices.Equal(again.pieces, x.pieces) || !slices.Equal(again.hashes, x.hashes) {
			t.Errorf("%+v does not survive its encoding: %+v, %v", x, again, err)
		}
		// Whatever it says, a plan by it stays within both contents.
		spans, _, err := plannedOf(t.Context(), &little, &x, bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		at := int64(0)
		for _, s := range spans {
			if s.At != at || s.Length <= 0 || s.Copied() && (s.From < 0 || s.From+s.Length > x.Size()) {
				t.Fatalf("%+v, for %d bytes of %d", s, len(content), x.Size())
			}
			at += s.Length
		}
		if at != int64(len(content)) {
			t.Errorf("spans of %d bytes, for %d", at, len(content))
		}
	})
}
