package main

import (
	"fmt"
	"io"
	"sync"
	"time"

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
	return &progress{out: out, name: name, on: on && isTerminal(out)}
}

// show writes how far the file has come; whole is 0 where nobody knows it.
func (b *progress) show(sent, whole int64) {
	b.say(func(now time.Time) string {
		if b.began.IsZero() {
			b.began, b.first = now, sent
		}
		return progressText(b.name, sent, whole, sent-b.first, now.Sub(b.began))
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
	text := words(now)
	b.last, b.shown = now, true
	_, _ = fmt.Fprintf(raw(b.out), "\r%s\x1b[K", logs.Escape([]byte(text)))
}

// progressText words how far a transfer has come: moved bytes in the time that it took.
func progressText(name string, sent, whole, moved int64, took time.Duration) string {
	return name + "  " + progressAmount(sent, whole, moved, took)
}

// progressAmount is progressText without a name.
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
