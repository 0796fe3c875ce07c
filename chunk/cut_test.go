package chunk

import (
	"slices"
	"testing"
)

// TestCutIsThatOfEachByte cuts as a loop over single bytes does, for all lengths that the end may leave.
func TestCutIsThatOfEachByte(t *testing.T) {
	t.Parallel()
	each := func(s *scale, data []byte) int {
		var h uint64
		for i, b := range data[:min(len(data), s.most)] {
			if h = h<<1 + gear[b]; i >= s.least && h <= s.ends {
				return i + 1
			}
		}
		return min(len(data), s.most)
	}
	for _, s := range []*scale{&little, &usual} {
		content := slices.Concat(random("content", 5*s.most), make([]byte, s.most))
		ends := map[int]bool{}
		for at := 0; at < len(content); at += s.least/7 + 1 {
			for length := range 9 {
				data := content[at:]
				data = data[:max(0, len(data)-length)]
				got := s.cut(data)
				if want := each(s, data); got != want {
					t.Fatalf("at %d of %d bytes: %d, not %d", at, len(data), got, want)
				}
				ends[got%4] = true
			}
		}
		if len(ends) < 4 {
			t.Errorf("it was cut behind these bytes of four alone: %v", ends)
		}
	}
}
