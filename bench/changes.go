package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// change is a way in which a file becomes another one.
type change struct {
	name  string
	what  string // %s is how much, where there is a share
	share int64  // so much of the file, as 128 is one in 128
	// make returns both files. They are the same each time, and so large, or a little larger.
	make func(size, share int64) (old, changed []byte, err error)
	// decides has dropferry decide whether to look for what is the same, by what it has learned of the line from the version before. It
	// looks in any case else.
	decides bool
}

// changes are those that people's files go through, and one that has nothing in common.
var changes = []change{
	{"middle", "%s overwritten in the middle", 128, overwritten, false},
	{"inserted", "1 KiB inserted at the beginning", 0, inserted, false},
	{"scattered", "%s overwritten, in pieces of 4 KiB", 128, scattered, false},
	{"appended", "%s appended", 64, appended, false},
	{"tar", "a tar, 5 % of its files changed", 0, tarChanged, false},
	{"tar-times", "a tar, 5 % changed, and all times", 0, tarTouched, false},
	{"database", "a database, 5 % of its rows changed", 0, databaseChanged, false},
	{"unrelated", "everything", 0, unrelated, true},
}

// describe says what happens to a file of a size.
func (c change) describe(size int64) string {
	if c.share == 0 {
		return c.what
	}
	return fmt.Sprintf(c.what, formatBytes(size/c.share))
}

// parseChanges returns the changes of these names, in their order; none means all.
func parseChanges(list string) ([]change, error) {
	names := fields(list)
	if len(names) == 0 {
		return changes, nil
	}
	found := slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return !slices.Contains(names, c.name) })
	for _, name := range names {
		if !slices.ContainsFunc(found, func(c change) bool { return c.name == name }) {
			return nil, fmt.Errorf("-changes: %q is not one of %s", name, changeNames())
		}
	}
	return found, nil
}

func changeNames() string {
	names := make([]string, len(changes))
	for i, c := range changes {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// noise returns bytes that cannot be compressed, the same for each name.
func noise(name string, size int64) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(name))).Read(b) // it never fails
	return b
}

func overwritten(size, share int64) (old, changed []byte, err error) {
	old = noise("old", size)
	changed = slices.Clone(old)
	copy(changed[size/2+size/1000:], noise("new", size/share)) // at no round number
	return old, changed, nil
}

func inserted(size, _ int64) (old, changed []byte, err error) {
	old = noise("old", size)
	return old, slices.Concat(noise("new", 1<<10), old), nil
}

func scattered(size, share int64) (old, changed []byte, err error) {
	const piece = 4 << 10
	old = noise("old", size)
	changed = slices.Clone(old)
	drawn := rand.New(rand.NewPCG(1, 2))
	for i := range max(1, size/share/piece) {
		copy(changed[drawn.Int64N(max(1, size-piece)):], noise(fmt.Sprint("new", i), piece))
	}
	return old, changed, nil
}

func appended(size, share int64) (old, changed []byte, err error) {
	old = noise("old", size)
	return old, slices.Concat(old, noise("new", size/share)), nil
}

func unrelated(size, _ int64) (old, changed []byte, err error) {
	return noise("old", size), noise("new", size), nil
}

var yesterday = time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC)

func tarChanged(size, _ int64) (old, changed []byte, err error) {
	if old, err = tarOf(size, false, yesterday); err == nil {
		changed, err = tarOf(size, true, yesterday)
	}
	return old, changed, err
}

func tarTouched(size, _ int64) (old, changed []byte, err error) {
	if old, err = tarOf(size, false, yesterday); err == nil {
		changed, err = tarOf(size, true, yesterday.AddDate(0, 0, 1))
	}
	return old, changed, err
}

// tarOf returns an archive of files from 1 KiB to 512 KiB, smaller ones more often. With changed, one in twenty has other content, and is a
// tenth longer.
func tarOf(size int64, changed bool, at time.Time) ([]byte, error) {
	drawn := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	b.Grow(int(size + size/16 + 1<<20))
	w := tar.NewWriter(&b)
	for i, left := 0, size; left > 0; i++ {
		length := int64(1024 * math.Pow(512, drawn.Float64()))
		left -= length
		name := fmt.Sprintf("export/%05d.bin", i)
		seed := name
		if drawn.IntN(20) == 0 && changed {
			seed, length = "changed "+name, length+length/10
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: length, ModTime: at}); err != nil {
			return nil, err
		}
		if _, err := w.Write(noise(seed, length)); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// databaseChanged has pages of 4 KiB with four rows in each. A row that is changed is so in a few bytes.
func databaseChanged(size, _ int64) (old, changed []byte, err error) {
	const row = 1 << 10
	old = noise("old", size)
	changed = slices.Clone(old)
	drawn := rand.New(rand.NewPCG(5, 6))
	for at := int64(0); at+row <= size; at += row {
		if drawn.IntN(20) == 0 {
			binary.NativeEndian.PutUint64(changed[at+16:], drawn.Uint64())
		}
	}
	return old, changed, nil
}
