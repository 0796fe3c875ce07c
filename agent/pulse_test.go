package agent

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/service"
)

// listener is a host that writes down what it hears.
type listener struct {
	service.Nobody
	patience time.Duration
	alive    int
	said     []string
}

func (l *listener) Alive()                  { l.alive++ }
func (l *listener) Status(text string)      { l.said = append(l.said, text) }
func (l *listener) Patience() time.Duration { return l.patience }

// beating is a pulse whose parts are all well, with its host.
func beating(patience time.Duration) (*pulse, *listener) {
	host := &listener{patience: patience}
	return &pulse{
		host: host, log: slog.New(slog.DiscardHandler),
		turn:   func(context.Context) error { return nil },
		step:   func() (string, time.Duration) { return "", 0 },
		status: func(context.Context) (string, error) { return "well", nil },
	}, host
}

// runFor lets a pulse beat for a while.
func runFor(t *testing.T, p *pulse, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	p.run(ctx)
}

func TestPulseBeatsFasterThanPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, host := beating(30 * time.Second)
		runFor(t, p, 61*time.Second)
		if host.alive != 7 {
			t.Errorf("%d signs of life in 61 s with a patience of 30 s", host.alive)
		}
		if !slices.Equal(host.said, []string{"well"}) {
			t.Errorf("the host was told %q", host.said)
		}
	})
}

func TestPulseStaysOutWhereTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, host := beating(30 * time.Second)
		p.turn = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		runFor(t, p, time.Hour)
		if host.alive != 0 {
			t.Errorf("%d signs of life", host.alive)
		}
	})
}

func TestPulseStaysOutWhereALinkHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, host := beating(30 * time.Second)
		began := time.Now()
		p.step = func() (string, time.Duration) { return "acme", time.Since(began) }
		runFor(t, p, longestStep+time.Second)
		slow := host.alive
		if slow < 50 {
			t.Errorf("%d signs of life while a step may take long", slow)
		}
		runFor(t, p, time.Hour)
		if host.alive != slow {
			t.Errorf("%d signs of life afterwards", host.alive-slow)
		}
	})
}

// A store that answers with an error does not hang: starting anew would mend nothing that a delivery's error does not tell.
func TestPulseGoesOnWhereTheStoreAnswersWithAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, host := beating(30 * time.Second)
		p.turn = func(context.Context) error { return errors.New("disk full") }
		p.status = func(context.Context) (string, error) { return "", errors.New("disk full") }
		runFor(t, p, time.Minute)
		if host.alive == 0 || len(host.said) != 0 {
			t.Errorf("%d signs of life, and %q", host.alive, host.said)
		}
	})
}

func TestStatusLine(t *testing.T) {
	for _, c := range []struct {
		name   string
		status control.Status
		want   string
	}{
		{
			name:   "idle",
			status: control.Status{Folders: make([]control.FolderStatus, 2), Destinations: make([]control.DestinationStatus, 1)},
			want:   "folders: 2, destinations: 1; nothing to do",
		},
		{"at work", control.Status{
			Folders:      []control.FolderStatus{{Name: "out", State: "watching"}},
			Destinations: []control.DestinationStatus{{Name: "acme", State: "active", Active: 3, Queued: 10}, {Name: "b", State: "active", Active: 1}},
		}, "folders: 1, destinations: 2; 4 under way, 10 queued"},
		{"in need of a person", control.Status{
			Folders:      []control.FolderStatus{{Name: "out", State: "halted", Held: 2, Parked: 1}, {Name: "in", State: "waiting"}},
			Destinations: []control.DestinationStatus{{Name: "acme", State: "blocked", Queued: 1}},
		}, "folders: 2, destinations: 1; folder out halted, folder in cannot be read, destination acme blocked, 2 held, 1 parked, 1 queued"},
	} {
		if got := statusLine(&c.status); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
