package chunk

import (
	"errors"
	"io"
)

// Builder makes the index of what is written to it. It is for one goroutine at a time.
type Builder struct {
	draft draft
	rest  []byte // not cut yet
	ended bool
}

var _ io.Writer = (*Builder)(nil)

// NewBuilder returns one for a content of any size.
func NewBuilder() *Builder { return newBuilder(&usual) }

func newBuilder(s *scale) *Builder { return &Builder{draft: draft{scale: s}} }

// Write takes the next bytes of the content. The only error is that Index has been called.
func (b *Builder) Write(p []byte) (int, error) {
	if b.ended {
		return 0, errors.New("write to an index that is finished")
	}
	if b.rest == nil {
		b.rest = make([]byte, 0, b.draft.most+b.draft.spare)
	}
	written := len(p)
	for len(p) > 0 {
		n := min(len(p), cap(b.rest)-len(b.rest))
		b.rest = append(b.rest, p[:n]...)
		p = p[n:]
		if len(b.rest) == cap(b.rest) {
			b.cut(b.draft.most)
		}
	}
	return written, nil
}

// cut cuts as long as there are so many bytes.
func (b *Builder) cut(enough int) {
	done := 0
	for len(b.rest)-done >= enough {
		n := b.draft.cut(b.rest[done:])
		b.draft.note(b.rest[done : done+n])
		done += n
	}
	b.rest = b.rest[:copy(b.rest, b.rest[done:])]
}

// Index returns the index of all that was written, which is the whole content then.
func (b *Builder) Index() *Index {
	if !b.ended {
		b.cut(1)
		b.ended, b.rest = true, nil
	}
	return b.draft.index()
}
