package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/dropferry/dropferry/logs"
)

// progress is one line on a terminal that is written anew while a command works. What else is written there goes through
// it, so that it stands on lines of its own. Elsewhere it shows nothing.
type progress struct {
	out  io.Writer
	name string // of a file that goes up
	on   bool

	mu    sync.Mutex
	shown bool
	began time.Time
	first int64 // bytes that an earlier run had sent
	last  time.Time
}

// progressEvery is how often the line is written.
const progressEvery = 200 * time.Millisecond

func newProgress(out io.Writer, name string, on bool) *progress {
	return &progress{out: out, name: name, on: on && isTerminal(out) && obeys(out)}
}

// obeys tells whether what is behind a writer does what escape sequences say.
func obeys(w io.Writer) bool {
	f, ok := raw(w).(*os.File)
	return ok && obeysEscapes(f)
}

// show writes how far the file has come; whole is 0 where nobody knows it.
func (b *progress) show(sent, whole int64) {
	b.say(func(now time.Time) string {
		if b.began.IsZero() {
			b.began, b.first = now, sent
		}
		return besides(b.name, progressAmount(sent, whole, sent-b.first, now.Sub(b.began)), columnsOf(b.out))
	})
}

// say writes the line, if it is time to.
func (b *progress) say(words func(now time.Time) string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if !b.on || now.Sub(b.last) < progressEvery {
		return
	}
	text := string(logs.Escape([]byte(words(now))))
	b.last, b.shown = now, true
	_, _ = fmt.Fprintf(raw(b.out), "\r%s\x1b[K", onOneLine(text, columnsOf(b.out)))
}

// onOneLine cuts a text to what stands on one line of a terminal: what wraps could never be taken away again, and what fills the last
// column may.
func onOneLine(text string, columns int) string {
	if columns > 1 {
		return cut(text, columns-1)
	}
	return text
}

// columnsOf is how wide a terminal is at this moment, 0 where nobody knows.
func columnsOf(w io.Writer) int {
	f, ok := raw(w).(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// besides puts a name in front of how far its file has come, as much of it as there is room for; 0 columns have room for all.
func besides(name, amount string, columns int) string {
	if columns > 0 {
		room := columns - 1 - len("  ") - columnsOfText(amount)
		if room < len("a…") {
			return amount
		}
		name = cut(name, room)
	}
	return name + "  " + amount
}

// progressAmount words how far a transfer has come: moved bytes in the time that it took.
func progressAmount(sent, whole, moved int64, took time.Duration) string {
	text := size(sent)
	if whole > 0 {
		text = fmt.Sprintf("%3d %%  %s of %s", sent*100/whole, size(sent), size(whole))
	}
	if took < time.Second || moved <= 0 {
		return text
	}
	rate := float64(moved) / took.Seconds()
	text += fmt.Sprintf("  %s/s", size(int64(rate)))
	if whole > sent {
		left := time.Duration(float64(whole-sent) / rate * float64(time.Second))
		text += fmt.Sprintf("  %s left", left.Round(time.Second))
	}
	return text
}

// clear takes the line away.
func (b *progress) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wipe()
}

func (b *progress) wipe() {
	if b.shown {
		_, _ = io.WriteString(raw(b.out), "\r\x1b[K")
		b.shown = false
	}
}

// Write implements io.Writer.
func (b *progress) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wipe()
	return b.out.Write(text)
}
