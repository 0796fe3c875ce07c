package chunk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"
)

func TestBuilderCutsTheSameInAnyPieces(t *testing.T) {
	t.Parallel()
	content := random("content", 3<<20)
	want := encoded(t, built(&usual, content, len(content)))
	for _, piece := range []int{1000, 4096, 1 << 20, 1<<20 + 1} {
		if !bytes.Equal(encoded(t, built(&usual, content, piece)), want) {
			t.Errorf("another index in pieces of %d bytes", piece)
		}
	}
}

func TestBuilderEndsWithItsIndex(t *testing.T) {
	t.Parallel()
	b := NewBuilder()
	if _, err := b.Write(random("content", 1000)); err != nil {
		t.Fatal(err)
	}
	first := b.Index()
	if _, err := b.Write([]byte{1}); err == nil {
		t.Error("what is written after the index is lost without an error")
	}
	if again := b.Index(); again.Size() != 1000 || !bytes.Equal(encoded(t, first), encoded(t, again)) {
		t.Errorf("another index of %d bytes", again.Size())
	}
}

func TestChunksHaveTheSizeThatTheyAreToHave(t *testing.T) {
	t.Parallel()
	x := built(&usual, random("content", 16<<20), 1<<20)
	for i, p := range x.pieces {
		if last := i == len(x.pieces)-1; int(p.length) > usual.most || int(p.length) < usual.least && !last {
			t.Errorf("chunk %d has %d bytes", i, p.length)
		}
	}
	if mean := 16 << 20 / len(x.pieces); mean < 48<<10 || mean > 80<<10 {
		t.Errorf("chunks have %d bytes on average", mean)
	}
}

// A long run of one byte, whichever, has few chunks.
func TestChunksOfRuns(t *testing.T) {
	t.Parallel()
	for b := range 256 {
		if n := usual.cut(bytes.Repeat([]byte{byte(b)}, usual.most)); n != usual.most {
			t.Errorf("a run of %#x is cut after %d bytes", b, n)
		}
	}
}

// Indexes are kept in stores: as long as the version is the same, so is what they hold, on any machine.
func TestEncodingIsTheSameForever(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256(encoded(t, built(&usual, random("forever", 1<<20), 1<<20)))
	if got, want := hex.EncodeToString(sum[:]), "8186ba08e26b1e68ba879beacd8c403c6e6d28e2026c8f463901efc645a35ab6"; got != want || version != 1 {
		t.Errorf("version %d is %s, not %s: what has changed needs another version", version, got, want)
	}
}

func TestEncodingIsSmall(t *testing.T) {
	t.Parallel()
	const mib = 32
	size := len(encoded(t, built(&usual, random("content", mib<<20), 1<<20)))
	if perGiB := size * 1024 / mib; perGiB > 2_400_000 {
		t.Errorf("an index has %d bytes for each GiB", perGiB)
	}
	if size := len(encoded(t, built(&usual, nil, 1))); size > 16 {
		t.Errorf("the index of nothing has %d bytes", size)
	}
}

func TestIndexSurvivesItsEncoding(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 4095, 4096, 4097, 100_000, 5 << 20} {
		content := random("content", size)
		b := encoded(t, built(&usual, content, 1<<20))
		var x Index
		if err := x.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if x.Size() != int64(size) || !x.Whole() || !bytes.Equal(encoded(t, &x), b) {
			t.Errorf("%d bytes: it is of %d bytes afterwards, or another one", size, x.Size())
		}
		clear(b) // the caller may do that
		spans, _, err := plannedOf(t.Context(), &usual, &x, bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if written := follow(t, joined(&usual, spans), content, content); written != 0 {
			t.Errorf("%d bytes: %d of them are not found", size, written)
		}
	}
}

// What an index does not hold in full survives too.
func TestCoarseIndexSurvivesItsEncoding(t *testing.T) {
	t.Parallel()
	s := little
	s.detailed, s.known = 1000, 2000
	b := encoded(t, built(&s, random("content", 3000), 100))
	x, err := decode(&s, b)
	if err != nil {
		t.Fatal(err)
	}
	if x.Size() != 3000 || !bytes.Equal(encoded(t, &x), b) {
		t.Errorf("it is of %d bytes afterwards, or another one", x.Size())
	}
	if x.Whole() {
		t.Error("all is known of what it does not hold")
	}
}

func TestDamagedEncodings(t *testing.T) {
	t.Parallel()
	whole := encoded(t, built(&usual, random("content", 200_000), 1<<20))
	for i := range whole {
		for _, damaged := range [][]byte{whole[:i], whole[i+1:], with(whole, i, whole[i]^1), with(whole, i, whole[i]^0x80)} {
			refused(t, damaged, errDamaged)
		}
	}
	refused(t, append(slices.Clone(whole), 0), errDamaged)
}

// The checksum of these is right.
func TestWrongEncodings(t *testing.T) {
	t.Parallel()
	numbers := func(all ...uint64) []byte {
		b := []byte{version}
		for _, n := range all {
			b = binary.AppendUvarint(b, n)
		}
		return b
	}
	hash := make([]byte, 8)
	for _, c := range []struct {
		name string
		body []byte
		want error
	}{
		{"nothing at all", nil, errDamaged},
		{"another version", []byte{version + 1, 0, 0, 0}, errVersion},
		{"no numbers", []byte{version}, errDamaged},
		{"a number that has no end", []byte{version, 0x80}, errDamaged},
		{"a size that is none", numbers(math.MaxUint64, 0, 0), errDamaged},
		{"more chunks than bytes", numbers(10, 1<<31-1, 0), errDamaged},
		{"more chunks than can be counted", numbers(10, 1<<40, 0), errDamaged},
		{"more chunks with blocks than chunks", append(numbers(10, 1, 2, 10), hash...), errDamaged},
		{"an empty chunk", append(numbers(10, 1, 1, 0), hash...), errDamaged},
		{"a chunk that is too long", append(numbers(1<<30, 1, 0, 1<<20), hash...), errDamaged},
		{"chunks that are longer than the content", append(numbers(10, 1, 1, 11), hash...), errDamaged},
		{"a hash too few", numbers(10, 1, 1, 10), errDamaged},
		{"a hash too many", append(numbers(10, 1, 1, 10), slices.Concat(hash, hash)...), errDamaged},
		{"half a hash too many", append(numbers(10, 1, 1, 10), slices.Concat(hash, hash[:4])...), errDamaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			refused(t, summed(c.body), c.want)
		})
	}
	var x Index
	if err := x.UnmarshalBinary(summed(append(numbers(10, 1, 1, 10), hash...))); err != nil {
		t.Errorf("what is right is refused: %v", err)
	}
}

func refused(t *testing.T, b []byte, want error) {
	t.Helper()
	x := Index{size: 5}
	if err := x.UnmarshalBinary(b); !errors.Is(err, want) || x.size != 5 {
		t.Errorf("%x: %v, not %v", b[:min(len(b), 40)], err, want)
	}
}

func with(b []byte, i int, by byte) []byte {
	b = slices.Clone(b)
	b[i] = by
	return b
}

// summed appends the checksum.
func summed(body []byte) []byte {
	return binary.LittleEndian.AppendUint64(slices.Clip(body), xxhash.Sum64(body))
}
