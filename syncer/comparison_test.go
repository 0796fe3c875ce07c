package syncer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/chunk"
	"github.com/dropferry/dropferry/remote"
)

// against returns what a content is compared with.
func against(t *testing.T, content string) *basis {
	t.Helper()
	b := chunk.NewBuilder()
	if _, err := io.WriteString(b, content); err != nil {
		t.Fatal(err)
	}
	return &basis{size: int64(len(content)), index: b.Index()}
}

// halting is a content of which the end comes once something is closed.
type halting struct {
	io.Reader
	end   io.Reader
	until <-chan struct{}
}

func (h *halting) Read(b []byte) (int, error) {
	n, err := h.Reader.Read(b)
	if !errors.Is(err, io.EOF) || h.end == nil {
		return n, err
	}
	<-h.until
	h.Reader, h.end = h.end, nil
	return n, nil
}

// TestWhatIsFoundIsUsedAtOnce gives away what was found of a large file before all of it is compared, and all of it in the end.
func TestWhatIsFoundIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	was := large(aheadFrom + 24<<20)
	now := was[:1<<20] + "new" + was[1<<20:]
	sum := sha256.Sum256([]byte(now))
	half := aheadFrom + 18<<20
	for _, known := range [][]byte{nil, sum[:]} {
		until := make(chan struct{})
		c := compare(t.Context(), &halting{strings.NewReader(now[:half]), strings.NewReader(now[half:]), until}, against(t, was), known, func(difference) bool { return true })
		if err := c.promising(); err != nil {
			t.Fatal(err)
		}
		made := make([]byte, 0, len(now))
		for p, err := range c.parts() {
			if err != nil || p.At != int64(len(made)) {
				t.Fatalf("%+v behind %d bytes, %v", p, len(made), err)
			}
			if p.From < 0 {
				made = append(made, now[p.At:p.At+p.Length]...)
			} else {
				made = append(made, was[p.From:p.From+p.Length]...)
			}
			if until != nil && len(made) >= aheadFrom {
				close(until)
				until = nil
			}
		}
		changed, err := c.whole()
		if err != nil || string(made) != now || !bytes.Equal(c.sum, sum[:]) || c.index.Size() != int64(len(now)) {
			t.Errorf("%v; %d bytes of %d, with the hash %x", err, len(made), len(now), c.sum)
		}
		if changed.copies < 2 || changed.literal < 3 || changed.literal > little {
			t.Errorf("%+v", changed)
		}
		c.close()
	}
}

// TestComparisonThatIsNotWorthIt tells so before anything is used of a small file, and of a large one that has seemed to be worth it, behind what was
// used.
func TestComparisonThatIsNotWorthIt(t *testing.T) {
	t.Parallel()
	was := large(1 << 20)
	for name, row := range map[string]struct {
		now   string
		worth func(difference) bool
	}{
		"as it is asked": {was, func(difference) bool { return false }},
		"no copies":      {large(2<<20 - 1), func(difference) bool { return true }},
	} {
		c := compare(t.Context(), strings.NewReader(row.now), against(t, was), nil, row.worth)
		if err := c.promising(); !errors.Is(err, errNotWorth) {
			t.Errorf("%s: %v", name, err)
		}
		c.close()
		if c.index == nil || c.sum == nil { // the upload makes use of them
			t.Errorf("%s: the index or the hash is missing", name)
		}
	}
	was = large(aheadFrom + 4<<20)
	now := was + large(8<<20-1)
	c := compare(t.Context(), strings.NewReader(now), against(t, was), nil, func(so difference) bool { return so.literal < 4<<20 })
	if err := c.promising(); err != nil && !errors.Is(err, errNotWorth) { // it may have ended by then
		t.Error(err)
	}
	var last error
	for _, err := range c.parts() {
		last = err
	}
	if !errors.Is(last, errNotWorth) {
		t.Errorf("the parts end with %v", last)
	}
	c.close()
}

// TestComparisonThatIsGivenUp ends with its context and by being closed, and says why.
func TestComparisonThatIsGivenUp(t *testing.T) {
	t.Parallel()
	was := large(1 << 20)
	gone := errors.New("the disk is gone")
	for name, row := range map[string]struct {
		end  io.Reader
		stop func(c *comparison)
		want error
	}{
		"closed":          {strings.NewReader(was), func(c *comparison) { c.stop() }, context.Canceled},
		"a broken source": {io.MultiReader(strings.NewReader("x"), brokenReader{gone}), func(*comparison) {}, gone},
	} {
		until := make(chan struct{})
		c := compare(t.Context(), &halting{strings.NewReader(was), row.end, until}, against(t, was), nil, func(difference) bool { return true })
		row.stop(c)
		close(until)
		if err := c.promising(); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, not %v", name, err, row.want)
		}
		var got []remote.Part
		var last error
		for p, err := range c.parts() {
			got, last = append(got, p), err
		}
		if !errors.Is(last, row.want) || !slices.Equal(got, []remote.Part{{}}) {
			t.Errorf("%s: the parts are %v and end with %v", name, got, last)
		}
		c.close()
		if c.index != nil || c.sum != nil {
			t.Errorf("%s: there is an index of a part", name)
		}
	}
}

// brokenReader fails.
type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }
