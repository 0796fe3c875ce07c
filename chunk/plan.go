package chunk

import (
	"context"
	"io"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// Written is the From of a span that is nowhere in the old content.
const Written = -1

// Span is a stretch of the new content and where it comes from.
type Span struct {
	At, Length int64 // bytes of the new content
	From       int64 // offset in the old content, or Written
}

// Copied tells whether the span is there in the old content.
func (s Span) Copied() bool { return s.From != Written }

// Plan reads a content to its end and says how to make it of the old one, whose index is given; nil is the index of nothing. It calls found with
// each span as soon as that is certain, so that use can be made of it while the rest is still compared. The spans are in order and together
// they are exactly the content. What is copied comes in pieces of 16 MiB, with less at its end; but for those, no two neighbours could be one. What is the same content
// is copied from where it is. next is the content's own index, the same that a Builder would have made.
//
// Memory is bounded by the indexes and a few MiB beside. An error is that of content as it is, or of ctx, which is looked at before each read; then
// the spans that were found are only the beginning.
func Plan(ctx context.Context, old *Index, content io.Reader, found func(Span)) (next *Index, err error) {
	return plan(ctx, &usual, old, content, found)
}

func plan(ctx context.Context, s *scale, old *Index, content io.Reader, found func(Span)) (*Index, error) {
	if old == nil {
		old = &Index{}
	}
	p := planner{
		scale: s, old: newPast(old), next: draft{scale: s}, found: found, shifts: []int64{0},
		buf: make([]byte, 0, s.window+s.most+s.spare),
	}
	for ended := false; !ended; {
		var err error
		if ended, err = p.fill(ctx, content); err != nil {
			return nil, err
		}
		for left := len(p.buf) - p.hi; left >= s.most || ended && left > 0; left = len(p.buf) - p.hi {
			p.take(p.cut(p.buf[p.hi:]))
		}
	}
	p.settle(p.hi, old.size-p.next.size) // the end may have moved with what is before it
	p.handOver(0)
	return p.next.index(), nil
}

// planner is a plan that is being made. Of the buffer, what is before lo has been decided, up to hi it has been cut and nothing was found,
// and behind that it is to be cut.
type planner struct {
	*scale
	old   past
	next  draft
	found func(Span)
	spans []Span // that may still change

	buf    []byte
	at     int64 // of the buffer in the content
	lo, hi int

	shifts []int64 // how far content was found before its place, in bytes; the latest first
}

// shiftsKept is how many distances are tried. A chunk that stands in many places, such as one of zeros, may be found in a wrong one; what
// follows is then where those before it were.
const shiftsKept = 3

// fill makes room and reads until the buffer is full or the content has ended.
func (p *planner) fill(ctx context.Context, content io.Reader) (ended bool, err error) {
	p.buf = p.buf[:copy(p.buf, p.buf[p.lo:])]
	p.at += int64(p.lo)
	p.lo, p.hi = 0, p.hi-p.lo
	for len(p.buf) < cap(p.buf) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := content.Read(p.buf[len(p.buf):cap(p.buf)])
		p.buf = p.buf[:len(p.buf)+n]
		if err == io.EOF { // itself: around another error it would be an end that came too early
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// take looks for the next chunk, which has n bytes.
func (p *planner) take(n int) {
	c := p.next.note(p.buf[p.hi : p.hi+n])
	begin := p.hi
	p.hi += n
	from, found := p.old.find(c, p.shifts)
	if !found {
		if p.hi-p.lo > p.window {
			p.settlePart(p.lo + p.window/2)
		}
		return
	}
	shift := from - c.at
	p.settle(begin, shift)
	p.add(Span{c.at, int64(n), from})
	p.lo = p.hi
	p.remember(shift)
}

// remember puts a shift in front.
func (p *planner) remember(shift int64) {
	if p.shifts[0] == shift {
		return
	}
	rest := slices.DeleteFunc(p.shifts, func(s int64) bool { return s == shift })
	p.shifts = slices.Insert(rest[:min(len(rest), shiftsKept-1)], 0, shift)
}

// settle decides what is before a place in the buffer. The shift is that of what follows.
func (p *planner) settle(to int, shift int64) {
	tried := p.shifts
	if !slices.Contains(tried, shift) {
		tried = slices.Insert(slices.Clone(tried), 1, shift)
	}
	p.compare(p.lo, to, tried)
	p.lo = to
}

// settlePart decides what is before a place in the buffer, where nobody knows what follows. A block may lie across that place: its
// beginning is left for the next time.
func (p *planner) settlePart(to int) {
	p.compare(p.lo, to, p.shifts)
	p.lo = to
	if last := &p.spans[len(p.spans)-1]; !last.Copied() {
		left := min(int64(p.block-1), last.Length)
		last.Length -= left
		p.lo -= int(left)
		if last.Length == 0 {
			p.spans = p.spans[:len(p.spans)-1]
		}
	}
}

// compare looks for the blocks of a part of the buffer where it would stand if it had moved by the first shift, and for what lies between them by
// the others.
func (p *planner) compare(from, to int, shifts []int64) {
	if from == to {
		return
	}
	if len(shifts) == 0 {
		p.add(Span{p.at + int64(from), int64(to - from), Written})
		return
	}
	moved := p.at + shifts[0]
	for b := range p.old.within(p.scale, int64(from)+moved, int64(to)+moved) {
		begin := int(b.at - moved)
		end := begin + int(b.size)
		if xxhash.Sum64(p.buf[begin:end]) != b.hash {
			continue
		}
		p.compare(from, begin, shifts[1:])
		p.add(Span{p.at + int64(begin), b.size, b.at})
		from = end
	}
	p.compare(from, to, shifts[1:])
}

// add appends a span, or lengthens the last one.
func (p *planner) add(s Span) {
	if n := len(p.spans); n > 0 && p.spans[n-1].goesOnWith(s) {
		p.spans[n-1].Length += s.Length
	} else {
		p.spans = append(p.spans, s)
	}
	p.handOver(p.unsettled())
}

// goesOnWith tells whether a span and the one behind it could be one.
func (s Span) goesOnWith(next Span) bool {
	return s.Copied() == next.Copied() && (!s.Copied() || s.From+s.Length == next.From)
}

// unsettled is how many of the last spans may still change: one that is copied may go on. settlePart takes back the end of one that is written,
// or all of it, and then the one before may go on.
func (p *planner) unsettled() int {
	if p.spans[len(p.spans)-1].Copied() {
		return 1
	}
	return 2
}

// handOver gives away the spans but for the last few, and all of a long one but its end.
func (p *planner) handOver(keep int) {
	for len(p.spans) > 0 {
		first := &p.spans[0]
		if piece := *first; first.Copied() && first.Length > p.longest {
			piece.Length = p.longest
			p.found(piece)
			first.At, first.From, first.Length = first.At+p.longest, first.From+p.longest, first.Length-p.longest
			continue
		}
		if len(p.spans) <= keep {
			return
		}
		p.found(*first)
		p.spans = p.spans[:copy(p.spans, p.spans[1:])]
	}
}
