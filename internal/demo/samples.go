package demo

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// sample is one file that arrives, in pieces where a program would write it so.
type sample struct {
	name   string
	pieces [][]byte
	pause  time.Duration   // between pieces
	via    string          // written under this name and then renamed; "" is written in place
	after  <-chan struct{} // it arrives when that is closed; nil is at once
}

// Names of samples that faults are made for.
const (
	invoiceName = "invoice-0001.xml"
	orderName   = "orders/2026/order 17 – Zürich.csv"
	largeName   = "export.zip"
)

// samples are what people drop into outboxes.
func samples() []sample {
	noise := func(n int) []byte {
		b := make([]byte, n)
		source := rand.NewChaCha8([32]byte{1})
		_, _ = source.Read(b) // never fails
		return b
	}
	slow := make([][]byte, 4)
	for i := range slow {
		slow[i] = noise(4 << 20)
	}
	return []sample{
		{name: invoiceName, pieces: [][]byte{[]byte("<invoice number=\"1\"><total>119.00</total></invoice>\n")}},
		{name: orderName, pieces: [][]byte{bytes.Repeat([]byte("17;blue;4\n"), 400)}},
		{name: "empty.flag", pieces: nil},
		{name: largeName, pieces: slow, pause: 400 * time.Millisecond},
		{name: "report.pdf", pieces: [][]byte{noise(3 << 20)}, via: "report.pdf.part"},
	}
}

// faultySamples are samples of which one is large enough for something to happen on its way. The order, with which the connection is
// lost, comes when what is wrong with the invoice was found out: lost sooner, it would never be.
func faultySamples(found <-chan struct{}) []sample {
	all := samples()
	for i, s := range all {
		switch s.name {
		case orderName:
			all[i].after = found
		case largeName:
			all[i].pieces = append(s.pieces, s.pieces[:2]...)
		}
	}
	return all
}

// drop writes the samples into the outbox, one after another.
func drop(ctx context.Context, outbox string, samples []sample) error {
	for _, s := range samples {
		if s.after != nil {
			select {
			case <-s.after:
			case <-ctx.Done():
				return nil
			}
		}
		if err := s.write(ctx, outbox); err != nil {
			return err
		}
	}
	return nil
}

func (s sample) write(ctx context.Context, outbox string) (err error) {
	final := filepath.Join(outbox, filepath.FromSlash(s.name))
	if err := os.MkdirAll(filepath.Dir(final), 0o700); err != nil {
		return err
	}
	name := final
	if s.via != "" {
		name = filepath.Join(outbox, s.via)
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	for _, piece := range s.pieces {
		if _, err = f.Write(piece); err != nil {
			break
		}
		if s.pause > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(s.pause):
			}
		}
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil && name != final {
		err = os.Rename(name, final)
	}
	return err
}

// counter waits for a number of different files to be delivered.
type counter struct {
	next syncer.Observer
	want int
	all  chan struct{}

	mu    sync.Mutex
	paths map[string]bool
	list  []state.Delivery
}

func newCounter(want int, next syncer.Observer) *counter {
	if next == nil {
		next = func(syncer.Event) {}
	}
	return &counter{next: next, want: want, all: make(chan struct{}), paths: map[string]bool{}}
}

func (c *counter) observe(e syncer.Event) {
	c.next(e)
	// The source is put away after the receipt: only then the story of a file is complete.
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.Receipt != nil {
		c.list = append(c.list, *e.Receipt)
	}
	if e.Type != syncer.EventArchived || c.paths[string(e.Path)] {
		return
	}
	c.paths[string(e.Path)] = true
	if len(c.paths) == c.want {
		close(c.all)
	}
}

func (c *counter) receipts() []state.Delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.list
}
