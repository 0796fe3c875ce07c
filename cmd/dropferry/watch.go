package main

import (
	"context"
	"errors"
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
	askEvery   = time.Second            // for the status
	firstLook  = 30 * time.Second       // that the first answer may take
	slowAnswer = 5 * time.Second        // after which it is said that none has come
	drawEvery  = 250 * time.Millisecond // so that a new size of the terminal is heeded soon
)

// watchStatus shows the status until a person presses q.
func (p *program) watchStatus(ctx context.Context) error {
	out, isFile := raw(p.out).(*os.File)
	if p.json || !isFile || !isTerminal(p.out) || !isTerminal(p.in) || !obeysEscapes(out) {
		return usageError("status --watch is for a terminal; programs ask for status --json, or for /api/v1/events of the agent")
	}
	c, err := p.load()
	if err != nil {
		return err
	}
	ask := func(ctx context.Context) (s control.Status, err error) {
		api, done, err := agent.Ask(ctx, c, nil) // each time, since an agent may begin or end meanwhile
		if err != nil {
			return s, err
		}
		defer done() //nolint:errcheck // opened for reading
		return api.Status(ctx)
	}
	looking, cancel := context.WithTimeout(ctx, firstLook)
	first, err := ask(looking)
	cancel()
	if err != nil {
		return noAnswer(ctx, err, firstLook)
	}
	before, err := term.MakeRaw(int(p.in.Fd()))
	if err != nil {
		return fmt.Errorf("prepare the terminal: %w", err)
	}
	defer term.Restore(int(p.in.Fd()), before) //nolint:errcheck // the terminal is gone then
	_, _ = io.WriteString(out, otherScreen)
	defer io.WriteString(out, usualScreen) //nolint:errcheck // likewise
	w := &watching{out: out, ask: ask, paint: painter(), said: p.said, meter: meter{}}
	w.heard(seen{status: first, at: time.Now()})
	return w.run(ctx, keys(p.in))
}

// noAnswer words that a status has not come in time.
func noAnswer(ctx context.Context, err error, within time.Duration) error {
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("no answer for %s: the agent hangs, or the disk that its state is on; its log and `dropferry service status` say more", within)
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
	ask   func(context.Context) (control.Status, error)
	paint func(colour, text string) string
	said  func(string) string
	meter meter
	drawn string

	last   control.Status // the latest that came
	lastAt time.Time
	fault  error     // why none has come since
	asked  time.Time // since when one is waited for; zero: none is
}

// seen is the answer to one question for the status, and when it came.
type seen struct {
	status control.Status
	err    error
	at     time.Time
}

// heard takes an answer.
func (w *watching) heard(s seen) {
	w.asked, w.fault = time.Time{}, s.err
	if s.err == nil {
		w.last, w.lastAt = s.status, s.at
		w.meter.note(s.status.Transfers, s.at)
	}
}

// run asks and draws until a person ends it: keys are heeded also while an answer is waited for, which may never come.
func (w *watching) run(ctx context.Context, typed <-chan byte) error {
	ticker := time.NewTicker(drawEvery)
	defer ticker.Stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan seen, 1)
	next := time.Now().Add(askEvery)
	for {
		if now := time.Now(); w.asked.IsZero() && !now.Before(next) {
			w.asked, next = now, now.Add(askEvery)
			go func() { // ends with its question, or is left behind where a disk hangs
				s, err := w.ask(ctx)
				answers <- seen{s, err, time.Now()}
			}()
		}
		w.draw(time.Now())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s := <-answers:
			if ctx.Err() == nil {
				w.heard(s)
			}
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

// trouble is why what is shown may be old, "" where it is not.
func (w *watching) trouble(now time.Time) string {
	why := ""
	switch waited := now.Sub(w.asked); {
	case !w.asked.IsZero() && waited >= slowAnswer:
		why = "no answer for " + waited.Round(time.Second).String()
	case w.fault != nil:
		why = "no answer: " + w.fault.Error()
	default:
		return ""
	}
	return fmt.Sprintf("%s; what follows is of %s", why, clock(w.lastAt))
}

// draw writes the screen anew where something on it has changed.
func (w *watching) draw(now time.Time) {
	width, height, err := term.GetSize(int(w.out.Fd()))
	if err != nil || width < 1 || height < 1 {
		width, height = 80, 24
	}
	lines := screen(&w.last, w.trouble(now), w.meter, w.paint, w.said, width, height)
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
// trouble, if any, is why the status may be old; said has what it says to type name the configuration.
func screen(s *control.Status, trouble string, m meter, paint func(colour, text string) string, said func(string) string, width, height int) []string {
	var lines []string
	line := func(colour, format string, args ...any) {
		text := cut(string(logs.Escape(fmt.Appendf(nil, format, args...))), width)
		if colour != "" {
			text = paint(colour, text)
		}
		lines = append(lines, text)
	}
	if trouble != "" {
		line(red, "%s", strings.ReplaceAll(trouble, "\n", " "))
	}
	running := "is not running"
	if s.Agent.Running {
		running = fmt.Sprintf("is running, pid %d", s.Agent.PID)
	}
	line(bold, "dropferry %s %s", s.Agent.Name, running)
	if words, well := health(s); !well {
		line(red, "%s", words)
	} else if s.Agent.Running { // else nobody looks whether it is
		line(green, "%s", words)
	}
	moving := s.Transfers[:min(len(s.Transfers), max(1, height/4))] // the others have room, too
	for i := range moving {
		t := &moving[i]
		line("", "%s %s -> %s", bar(t.Sent, t.Size, 20), shown(t.Path), t.Destination)
		line("", "  %s", strings.TrimSpace(m.words(t)))
	}
	if more := len(s.Transfers) - len(moving); more > 0 {
		line("", "  ... and %s under way", counted(more, "more file"))
	}
	for i := range s.Destinations {
		d := &s.Destinations[i]
		colour := colourOf(d.State)
		if isUnusable(d) {
			colour = yellow
		}
		line(colour, "destination %s: %s%s", d.Name, d.State, counts(", ", []count{{d.Queued, "queued"}, {d.Active, "under way"}}))
		for _, w := range d.Warnings {
			line(yellow, "  warning: %s", strings.ReplaceAll(w, "\n", " "))
		}
		if d.Reason != "" {
			line("", "  %s", strings.ReplaceAll(d.Reason, "\n", " "))
		}
		if d.Hint != "" {
			line("", "  what to do: %s", strings.ReplaceAll(said(d.Hint), "\n", " "))
		}
		if d.NextAttempt != nil {
			line("", "  next attempt %s", clock(*d.NextAttempt))
		}
	}
	for i := range s.Folders {
		f := &s.Folders[i]
		line(colourOf(f.State), "folder %s: %s, %s%s", f.Name, f.State, counted(f.Files, "file"), counts(", ", []count{
			{f.Settling, "settling"}, {f.Stuck, "not ready for over an hour"}, {f.Ready, "to deliver"}, {f.Held, "held"}, {f.Parked, "parked"}, {f.Operations, "to make or remove"},
		}))
		for _, w := range f.Waiting {
			line(yellow, "  %s: %s for %s", w.Destination, whoWaits(w), strings.ReplaceAll(w.Reason, "\n", " "))
		}
		if f.Reason != "" {
			line("", "  %s", strings.ReplaceAll(f.Reason, "\n", " "))
		}
	}
	for _, h := range hints(s.Attention) {
		line("", "what to do about what follows: %s", strings.ReplaceAll(said(h), "\n", " "))
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
