package syncer

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/dropferry/dropferry/chunk"
	"github.com/dropferry/dropferry/remote"
)

// errNotWorth says that to send less than the whole is not worth its while after all.
var errNotWorth = errors.New("too much of it is new")

// aheadFrom is from how many bytes on that are compared the server is given what was found of them, while the rest is compared. A smaller
// file is compared in no time, and then it is certain whether it is worth its while.
const aheadFrom = 32 << 20

// difference is what is new in a file.
type difference struct {
	literal int64 // bytes that have to be sent
	copies  int
}

// comparison finds out what is new in a file, in a goroutine of its own: use is made of what was found while the rest is compared.
// What was found waits without a bound, so that a slow line does not put off the end, with which it is certain whether it is worth its
// while; it is little, beside the index.
type comparison struct {
	with    *basis
	worth   func(difference) bool
	sum     []byte // of the whole, once it has ended or where it was known before
	index   *chunk.Index
	waited  time.Duration // by whoever takes the parts, for what was not found yet
	stop    context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	changed sync.Cond
	so      difference    // so far
	other   bool          // it is certain that there is a difference
	reached int64         // bytes of the file
	ahead   []remote.Part // that were not taken
	ended   bool
	err     error
}

// compare begins a comparison of a content with an earlier version. sum is the hash of the content, if it is known. worth is asked
// at the end, and before anything is used earlier.
func compare(ctx context.Context, content io.Reader, with *basis, sum []byte, worth func(difference) bool) *comparison {
	ctx, stop := context.WithCancel(ctx)
	c := &comparison{with: with, sum: sum, stop: stop, worth: func(so difference) bool { return so.copies > 0 && worth(so) }}
	c.changed.L = &c.mu
	c.running.Go(func() { c.end(c.read(ctx, content)) })
	return c
}

// read reads the content once, for what is new in it, for its index and for its hash.
func (c *comparison) read(ctx context.Context, content io.Reader) (err error) {
	if c.sum != nil { // it was read to be compared with what is known
		c.index, err = chunk.Plan(ctx, c.with.index, content, c.found)
		return err
	}
	h := sha256.New()
	hashing := writeBehind(h)
	c.index, err = chunk.Plan(ctx, c.with.index, io.TeeReader(content, hashing), c.found)
	hashing.end()
	if err == nil {
		c.sum = h.Sum(nil)
	}
	return err
}

// found takes in a span.
func (c *comparison) found(s chunk.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.so.add(s)
	c.other = c.other || s.From != s.At // of what is the same, no chunk is found elsewhere
	c.reached = s.At + s.Length
	c.ahead = append(c.ahead, remote.Part{At: s.At, Length: s.Length, From: s.From})
	c.changed.Broadcast()
}

func (d *difference) add(s chunk.Span) {
	if s.Copied() {
		d.copies++
	} else {
		d.literal += s.Length
	}
}

func (c *comparison) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && !c.worth(c.so) {
		err = errNotWorth
	}
	c.ended, c.err = true, err
	c.changed.Broadcast()
}

// differs waits until it is certain that there is a difference, or that there is none but where the hash tells of one.
func (c *comparison) differs() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.ended && !c.other {
		c.changed.Wait()
	}
	return c.other
}

// promising waits until it is certain that use is to be made of it, or likely with much left to be compared. errNotWorth says that none is.
func (c *comparison) promising() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.ended && (c.reached < aheadFrom || !c.worth(c.so)) {
		c.changed.Wait()
	}
	return c.err
}

// whole waits for all of it.
func (c *comparison) whole() (difference, error) {
	c.running.Wait()
	return c.so, c.err
}

// parts are what was found, as it is found. They end with errNotWorth where it turns out that no use is to be made of them.
func (c *comparison) parts() iter.Seq2[remote.Part, error] {
	return func(yield func(remote.Part, error) bool) {
		for {
			parts, err := c.take()
			if err != nil {
				yield(remote.Part{}, err)
				return
			}
			for _, p := range parts {
				if !yield(p, nil) {
					return
				}
			}
			if parts == nil {
				return
			}
		}
	}
}

// take waits for parts and returns those that were not taken, nil at the end.
func (c *comparison) take() (parts []remote.Part, err error) {
	began := time.Now()
	defer func() { c.waited += time.Since(began) }()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.ended && c.ahead == nil {
		c.changed.Wait()
	}
	parts, c.ahead = c.ahead, nil
	return parts, c.err
}

// close ends it, if it has not ended by itself.
func (c *comparison) close() {
	c.stop()
	c.running.Wait()
}
