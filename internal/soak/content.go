package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
)

// leastSize is the size of the smallest file that is not empty: the line that makes its content unique has to fit.
const leastSize = 64

// content is an endless stream of bytes that no other has. A version is its first so many bytes, so that a file which
// grows keeps what it had.
type content struct {
	seed uint64
	id   int
}

// reader returns the stream from its beginning: a line that names it, and noise.
func (c content) reader() io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], c.seed)
	binary.LittleEndian.PutUint64(key[8:], uint64(c.id))
	line := fmt.Sprintf("%-*s\n", leastSize-1, fmt.Sprintf("soak %d content %d", c.seed, c.id))
	return io.MultiReader(strings.NewReader(line), rand.NewChaCha8(key))
}

// chunk is how much of a file is written at once.
const chunk = 256 << 10

// write writes the bytes from one offset to another, and returns the SHA-256 of all below the second. pause comes between
// chunks; nil is none.
func (c content) write(w io.Writer, from, to int64, pause func() error) (string, error) {
	r, sum := c.reader(), sha256.New()
	buffer := make([]byte, chunk)
	for at := int64(0); at < to; {
		b := buffer[:min(int64(chunk), to-at)]
		if _, err := io.ReadFull(r, b); err != nil {
			return "", err
		}
		sum.Write(b)
		if end := at + int64(len(b)); end > from {
			if _, err := w.Write(b[max(from-at, 0):]); err != nil {
				return "", err
			}
			if pause != nil && end < to {
				if err := pause(); err != nil {
					return "", err
				}
			}
		}
		at += int64(len(b))
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
