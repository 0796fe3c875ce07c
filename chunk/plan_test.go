package chunk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
)

// splice returns a content in which some bytes have given way to others.
func splice(content []byte, at, length int, by []byte) []byte {
	return slices.Concat(content[:at], by, content[at+length:])
}

// scattered overwrites stretches of some bytes, at places that have nothing to do with blocks.
func scattered(content []byte, count, length int) []byte {
	content = slices.Clone(content)
	apart := len(content) / count
	for i := range count {
		copy(content[i*apart+i*7919%(apart-length):], random("scattered", i+length)[i:])
	}
	return content
}

func TestPlan(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	block := usual.block
	one, other := random("one", 12*mib), random("other", 12*mib)
	zeros := make([]byte, 3*mib)
	letters := bytes.Repeat([]byte("All work and no play makes Jack a dull boy.\n"), 100_000)
	for _, c := range []struct {
		name        string
		old, new    []byte
		least, most int // bytes to be written
	}{
		{"nothing of nothing", nil, nil, 0, 0},
		{"nothing of something", one, nil, 0, 0},
		{"something of nothing", nil, one, 12 * mib, 12 * mib},
		{"the same", one, one, 0, 0},
		{"one byte", one[:1], one[:1], 0, 0},
		{"another byte", one[:1], []byte{one[0] + 1}, 1, 1},
		{"less than a chunk, a byte more", one[:5000], one[:5001], 1, 1},
		{"something else", one, other, 12 * mib, 12 * mib},
		{"1 KiB before it", one, splice(one, 0, 0, other[:1024]), 1024, 1024},
		{"1 byte in the middle", one, splice(one, 5_000_001, 0, other[:1]), 1, block + 1},
		{"1 byte less in the middle", one, splice(one, 5_000_001, 1, nil), 0, block},
		{"1 MiB more at the end", one, slices.Concat(one, other[:mib]), mib, mib},
		{"1 MiB less at the end", one, one[:11*mib+77], 0, block},
		{"1 MiB less at the beginning", one, one[mib+77:], 0, block},
		{"1 MiB overwritten", one, splice(one, 3*mib+100, mib, other[:mib]), mib, mib + 2*block},
		{"1 byte overwritten", one, splice(one, 3*mib+100, 1, []byte{one[3*mib+100] + 1}), 1, block},
		{"6 MiB overwritten, more than a window", one, splice(one, 3*mib+100, 6*mib, other[:6*mib]), 6 * mib, 6*mib + 2*block},
		{"6 MiB replaced by 5", one, splice(one, 3*mib+100, 6*mib, other[:5*mib]), 5 * mib, 5*mib + 2*block},
		{"4 KiB at 50 places", one, scattered(one, 50, 4096), 50 * 4096, 50 * 3 * block},
		{"100 bytes in each of 600 blocks or two", one, scattered(one, 600, 100), 600 * 100, 600 * 3 * block / 2},
		{"the second half first", one, slices.Concat(one[6*mib:], one[:6*mib]), 0, 256 << 10},
		{"twice", one, slices.Concat(one, one), 0, 128 << 10},
		{"zeros", zeros, zeros, 0, 0},
		{"more zeros", zeros, slices.Concat(zeros, zeros), 0, 0},
		{"fewer zeros", slices.Concat(zeros, zeros), zeros[:2*mib+1], 0, 1},
		{"zeros in the middle", one, splice(one, 5*mib+1, 0, zeros), 3 * mib, 3*mib + 2*block},
		{"the zeros in the middle elsewhere", splice(one, 5*mib+1, 0, zeros), splice(one, 7*mib+1, 0, zeros), 0, usual.most + 4*block},
		{"lines", letters, letters, 0, 0},
		{"a line more before many that are the same", letters, slices.Concat(letters[:44], letters), 0, 256 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			spans, written := planned(t, &usual, c.old, c.new)
			if written < int64(c.least) || written > int64(c.most) {
				t.Errorf("%d bytes are to be written, not between %d and %d, in %d spans", written, c.least, c.most, len(spans))
			}
		})
	}
}

// What was found by its neighbours stays with them: where a chunk stands in many places, a plan of long spans is made of it.
func TestPlanKeepsSpansLong(t *testing.T) {
	t.Parallel()
	zeros := make([]byte, 2<<20)
	old := slices.Concat(random("a", 3<<20), zeros, random("b", 3<<20), zeros, random("c", 3<<20))
	spans, _ := planned(t, &usual, old, splice(old, 1000, 0, []byte("six more")))
	if len(spans) != 2 { // the block with the new bytes, and all the rest
		t.Errorf("%d spans: %+v", len(spans), spans)
	}
}

// A plan does not depend on how its content comes.
func TestPlanOfReaders(t *testing.T) {
	t.Parallel()
	old := random("old", 3000)
	content := slices.Concat(old[100:1000], random("new", 333), old[1200:])
	index := built(&little, old, 7)
	want, _ := planned(t, &little, old, content)
	for name, r := range map[string]io.Reader{
		"one byte at a time":   iotest.OneByteReader(bytes.NewReader(content)),
		"half of what is read": iotest.HalfReader(bytes.NewReader(content)),
		"the end with bytes":   iotest.DataErrReader(bytes.NewReader(content)),
	} {
		spans, next, err := plannedOf(t.Context(), &little, index, r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if spans = joined(&little, spans); !slices.Equal(spans, want) {
			t.Errorf("%s: %+v, not %+v", name, spans, want)
		}
		if !bytes.Equal(encoded(t, next), encoded(t, built(&little, content, 1))) {
			t.Errorf("%s: another index", name)
		}
	}
}

func TestPlanWithoutAnIndex(t *testing.T) {
	t.Parallel()
	spans, next, err := plannedOf(t.Context(), &usual, nil, bytes.NewReader(random("some", 100_000)))
	if want := []Span{{0, 100_000, Written}}; err != nil || !slices.Equal(spans, want) || next.Size() != 100_000 {
		t.Errorf("%+v, %d bytes, %v; not %+v", spans, next.Size(), err, want)
	}
}

func TestPlanEndsWithItsReader(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{errors.New("the disk is gone"), io.ErrUnexpectedEOF} {
		r := io.MultiReader(bytes.NewReader(random("some", 100_000)), iotest.ErrReader(fault))
		next, err := Plan(t.Context(), &Index{}, r, func(Span) {})
		if !errors.Is(err, fault) || next != nil {
			t.Errorf("%v, %v; not %v", next, err, fault)
		}
	}
}

func TestPlanEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	endless := readerFunc(func(b []byte) (int, error) {
		cancel()
		return len(b), nil
	})
	if _, err := Plan(ctx, &Index{}, endless, func(Span) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, not %v", err, context.Canceled)
	}
}

// What is found can be made use of long before all is compared: at most a piece and what is kept of the content are missing.
func TestPlanHandsOverAtOnce(t *testing.T) {
	t.Parallel()
	const size = 40_000
	old := random("old", size)
	for name, content := range map[string][]byte{
		"the same": old, "something before it": splice(old, 0, 0, []byte("more")), "scattered": scattered(old, 50, 10),
	} {
		read, covered := int64(0), int64(0)
		counted := readerFunc(func(b []byte) (int, error) {
			if read == int64(len(content)) {
				return 0, io.EOF
			}
			if behind := read - covered; behind > little.longest+int64(little.window+little.most+little.spare) {
				t.Errorf("%s: %d bytes are read and %d planned", name, read, covered)
			}
			n := copy(b, content[read:min(read+100, int64(len(content)))])
			read += int64(n)
			return n, nil
		})
		if _, err := plan(t.Context(), &little, built(&little, old, size), counted, func(s Span) { covered = s.At + s.Length }); err != nil {
			t.Fatal(err)
		}
		if covered != int64(len(content)) {
			t.Errorf("%s: %d bytes of %d are planned", name, covered, len(content))
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// Behind what an index has blocks of, whole chunks are found; behind what it knows, nothing.
func TestPlanOfLargeContents(t *testing.T) {
	t.Parallel()
	s := little
	s.detailed, s.known = 10_000, 20_000
	old := random("old", 30_000)
	for _, c := range []struct {
		name        string
		at          int
		least, most int64
	}{
		{"where blocks are known", 5_000, 1, 2 * 8},
		{"where chunks are known", 15_000, 16, 2 * 128},
		{"where nothing is known", 25_000, 0, 0},
	} {
		changed := slices.Clone(old)
		changed[c.at]++
		spans, written := planned(t, &s, old, changed)
		beyond := written - spans[len(spans)-1].Length
		if last := spans[len(spans)-1]; last.Copied() || last.At > 20_000 || last.At < 20_000-128 {
			t.Errorf("%s: the last span is %+v", c.name, last)
		}
		if beyond < c.least || beyond > c.most {
			t.Errorf("%s: %d bytes are to be written before the last span, not between %d and %d", c.name, beyond, c.least, c.most)
		}
	}
}
