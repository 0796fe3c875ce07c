package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/logs"
)

// How a terminal is spoken to, by ECMA-48 and what xterm has made of it.
const (
	otherScreen = "\x1b[?1049h\x1b[?25l" // another screen, without a cursor
	usualScreen = "\x1b[?25h\x1b[?1049l"
	topLeft     = "\x1b[H"
	restOfLine  = "\x1b[K"
	restOfPage  = "\x1b[J"
)

const (
	askEvery  = time.Second            // for the status
	drawEvery = 250 * time.Millisecond // so that a new size of the terminal is heeded soon
)

// watchStatus shows the status until a person presses q.
func (p *program) watchStatus(ctx context.Context) error {
	out, isFile := raw(p.out).(*os.File)
	if p.json || !isFile || !isTerminal(p.out) || !isTerminal(p.in) {
		return usageError("status --watch is for a terminal; programs ask for status --json, or for /api/v1/events of the agent")
	}
	c, err := p.load()
	if err != nil {
		return err
	}
	api, done, err := agent.Ask(ctx, c, nil)
	if err != nil {
		return err
	}
	defer done() //nolint:errcheck // opened for reading
	before, err := term.MakeRaw(int(p.in.Fd()))
	if err != nil {
		return fmt.Errorf("prepare the terminal: %w", err)
	}
	defer term.Restore(int(p.in.Fd()), before) //nolint:errcheck // the terminal is gone then
	_, _ = io.WriteString(out, otherScreen)
	defer io.WriteString(out, usualScreen) //nolint:errcheck // likewise
	w := &watching{out: out, api: api, paint: painter(), meter: meter{}}
	return w.run(ctx, keys(p.in))
}

// keys returns what is typed. Its goroutine ends with the program: a terminal cannot be made to stop being read.
func keys(in io.Reader) <-chan byte {
	typed := make(chan byte)
	go func() {
		b := make([]byte, 1)
		for {
			if n, err := in.Read(b); n == 0 || err != nil {
				close(typed)
				return
			}
			typed <- b[0]
		}
	}()
	return typed
}

// interruptKey is what Ctrl-C types where it is no signal.
const interruptKey = 3

// watching is one status that is shown again and again.
type watching struct {
	out   *os.File
	api   control.API
	paint func(colour, text string) string
	meter meter
	drawn string
}

func (w *watching) run(ctx context.Context, typed <-chan byte) error {
	ticker := time.NewTicker(drawEvery)
	defer ticker.Stop()
	var status control.Status
	var fault error
	var asked time.Time
	for {
		if now := time.Now(); now.Sub(asked) >= askEvery {
			if status, fault = w.api.Status(ctx); fault == nil {
				w.meter.note(status.Transfers, now)
			}
			asked = now
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.draw(&status, fault)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case key, open := <-typed:
			switch {
			case !open, key == 'q', key == 'Q':
				return nil
			case key == interruptKey:
				return exitError(exitInterrupted)
			}
		case <-ticker.C:
		}
	}
}

// draw writes the screen anew where something on it has changed.
func (w *watching) draw(s *control.Status, fault error) {
	width, height, err := term.GetSize(int(w.out.Fd()))
	if err != nil || width < 1 || height < 1 {
		width, height = 80, 24
	}
	lines := []string{"the agent does not answer: " + fmt.Sprint(fault), "q quits"}
	if fault == nil {
		lines = screen(s, w.meter, w.paint, width, height)
	}
	text := topLeft + strings.Join(lines, restOfLine+"\r\n") + restOfLine + restOfPage
	if text != w.drawn {
		w.drawn = text
		_, _ = io.WriteString(w.out, text) // a terminal that is gone ends the reading
	}
}

// painter returns what colours text, unless the person wants none: https://no-color.org/.
func painter() func(colour, text string) string {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return func(_, text string) string { return text }
	}
	return func(colour, text string) string { return colour + text + "\x1b[0m" }
}

const (
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	bold   = "\x1b[1m"
)

func colourOf(state string) string {
	switch state {
	case "blocked", "halted", "hanging":
		return red
	case "waiting", "paused":
		return yellow
	}
	return green
}

// screen returns the lines of a status, none longer than width, at most height of them: transfers first, since they move.
func screen(s *control.Status, m meter, paint func(colour, text string) string, width, height int) []string {
	var lines []string
	line := func(colour, format string, args ...any) {
		text := cut(string(logs.Escape(fmt.Appendf(nil, format, args...))), width)
		if colour != "" {
			text = paint(colour, text)
		}
		lines = append(lines, text)
	}
	running := "is not running"
	if s.Agent.Running {
		running = fmt.Sprintf("is running, pid %d", s.Agent.PID)
	}
	line(bold, "dropferry %s %s", s.Agent.Name, running)
	for i := range s.Transfers {
		t := &s.Transfers[i]
		line("", "%s %s -> %s", bar(t.Sent, t.Size, 20), shown(t.Path), t.Destination)
		line("", "  %s", strings.TrimSpace(m.words(t)))
	}
	for i := range s.Destinations {
		d := &s.Destinations[i]
		line(colourOf(d.State), "destination %s: %s, %d queued, %d under way", d.Name, d.State, d.Queued, d.Active)
		if d.Reason != "" {
			line("", "  %s", strings.ReplaceAll(d.Reason, "\n", " "))
		}
		if d.NextAttempt != nil {
			line("", "  next attempt %s", clock(*d.NextAttempt))
		}
	}
	for i := range s.Folders {
		f := &s.Folders[i]
		line(colourOf(f.State), "folder %s: %s, %d files, %d settling, %d to deliver, %d held, %d parked", f.Name, f.State, f.Files, f.Settling, f.Ready, f.Held, f.Parked)
		if f.Reason != "" {
			line("", "  %s", strings.ReplaceAll(f.Reason, "\n", " "))
		}
	}
	for i := range s.Attention {
		a := &s.Attention[i]
		line(red, "%s: %s/%s -> %s: %s", a.State, a.Folder, shown(a.Path), a.Destination, strings.ReplaceAll(a.Reason, "\n", " "))
	}
	if most := max(1, height-1); len(lines) > most {
		left := len(lines) - most + 1
		lines = append(lines[:most-1:most-1], cut(fmt.Sprintf("... and %s", counted(left, "more line")), width))
	}
	return append(lines, cut("q quits", width))
}

// cut shortens a line to what a terminal shows of it, counting a letter as one column.
func cut(text string, width int) string {
	letters := []rune(text)
	if len(letters) <= width {
		return text
	}
	return string(letters[:max(0, width-1)]) + "…"
}

// meter knows how fast transfers go, by their ids.
type meter map[string]speed

type speed struct {
	sent int64
	at   time.Time
	rate float64 // bytes a second, smoothed
}

// smoothing is how much the last second counts.
const smoothing = 0.4

// note takes how far transfers are at a moment. Those that have ended are forgotten.
func (m meter) note(transfers []control.Transfer, now time.Time) {
	there := map[string]bool{}
	for _, t := range transfers {
		there[t.ID] = true
		was, known := m[t.ID]
		next := speed{sent: t.Sent, at: now}
		if passed := now.Sub(was.at).Seconds(); known && passed > 0 {
			rate := float64(max(0, t.Sent-was.sent)) / passed
			if next.rate = rate; was.rate > 0 {
				next.rate = smoothing*rate + (1-smoothing)*was.rate
			}
		}
		m[t.ID] = next
	}
	for id := range m {
		if !there[id] {
			delete(m, id)
		}
	}
}

// words says how far a transfer is, how fast it goes, and how long it will take.
func (m meter) words(t *control.Transfer) string {
	rate := m[t.ID].rate
	if rate < 1 {
		return progressAmount(t.Sent, t.Size, 0, 0)
	}
	return progressAmount(t.Sent, t.Size, int64(rate*3600), time.Hour)
}
