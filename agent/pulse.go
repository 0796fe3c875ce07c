package agent

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/service"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

const (
	// statusEvery is how often a host hears what the agent does, where it does not ask for signs of life more often.
	statusEvery = 15 * time.Second
	// pulsesPerPatience is how many signs of life a host gets in the time after which it loses patience.
	pulsesPerPatience = 3
	// longestStep is how long one step of a link may take: far more than the deadlines of its requests together.
	longestStep = 10 * time.Minute
)

// pulse gives the host signs of life. Each of them has been through the store's writer and has found the loop of every
// link at rest or at work for a while only, so that they stay out where something hangs; a folder on a dead file server is
// none of that, because starting the program anew would mend nothing.
type pulse struct {
	host   service.Host
	turn   func(context.Context) error           // waits for a turn in the store's queue
	step   func() (string, time.Duration)        // the longest step under way, and whose it is
	status func(context.Context) (string, error) // in a line
	log    *slog.Logger

	said string
}

// run gives signs until ctx ends.
func (p *pulse) run(ctx context.Context) {
	every := statusEvery
	if patience := p.host.Patience(); patience > 0 {
		every = min(every, patience/pulsesPerPatience)
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		p.beat(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// beat gives one sign, unless something hangs. An error is a sign too: who answers does not hang.
func (p *pulse) beat(ctx context.Context) {
	_ = p.turn(ctx)
	text, err := p.status(ctx)
	if ctx.Err() != nil {
		return
	}
	if destination, step := p.step(); step > longestStep {
		p.log.Error("a destination's loop hangs: no sign of life is given any more", "destination", destination,
			"seconds", int(step.Seconds()))
		return
	}
	p.host.Alive()
	if err == nil && text != p.said {
		p.said = text
		p.host.Status(text)
	}
}

// pulse makes the agent's pulse.
func (a *Agent) pulse() *pulse {
	return &pulse{
		host: a.host, turn: a.store.Turn, step: a.syncer.LongestStep, log: a.log,
		status: func(ctx context.Context) (string, error) {
			s, err := a.Status(ctx)
			return statusLine(&s), err
		},
	}
}

// statusLine says in a line what the agent does, and first of all what needs a person.
func statusLine(s *control.Status) string {
	var words []string
	for _, f := range s.Folders {
		switch f.State {
		case "halted":
			words = append(words, "folder "+f.Name+" halted")
		case watcher.Waiting:
			words = append(words, "folder "+f.Name+" cannot be read")
		case watcher.Hanging:
			words = append(words, "folder "+f.Name+" does not answer")
		}
	}
	for _, d := range s.Destinations {
		switch syncer.LinkState(d.State) {
		case syncer.LinkBlocked, syncer.LinkWaiting:
			words = append(words, "destination "+d.Name+" "+d.State)
		}
	}
	count := func(n int, what string) {
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, what))
		}
	}
	var queued, active, held, parked int
	for _, d := range s.Destinations {
		queued += d.Queued
		active += d.Active
	}
	for _, f := range s.Folders {
		held += f.Held
		parked += f.Parked
	}
	count(held, "held")
	count(parked, "parked")
	count(active, "under way")
	count(queued, "queued")
	if len(words) == 0 {
		words = append(words, "nothing to do")
	}
	return fmt.Sprintf("folders: %d, destinations: %d; %s", len(s.Folders), len(s.Destinations), strings.Join(words, ", "))
}
