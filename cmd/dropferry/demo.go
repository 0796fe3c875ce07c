package main

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/internal/demo"
	"github.com/dropferry/dropferry/syncer"
)

func (p *program) demoCommand() *cobra.Command {
	var once, faults bool
	command := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole job on this machine: a server, a folder, files arriving; nothing to set up",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			story := &story{out: p.err, live: isTerminal(p.err) && obeys(p.err)}
			receipts, err := demo.Run(command.Context(), demo.Options{
				Once: once, Faults: faults, Out: p.err, Observe: story.observe, Note: story.note, Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				return err
			}
			h := control.History{Deliveries: []control.Delivery{}}
			for _, d := range receipts {
				h.Deliveries = append(h.Deliveries, agent.ViewDelivery(d))
			}
			if p.json {
				return p.printJSON(h)
			}
			if err := p.printf("\nReceipts:\n"); err != nil {
				return err
			}
			return p.printHistory(h)
		},
	}
	command.Flags().BoolVar(&once, "once", false, "end when the samples are delivered")
	command.Flags().BoolVar(&faults, "faults", false, "let the line and the server fail meanwhile")
	return command
}

// story tells events as they happen, for a person who watches. Progress stays on one line, on a terminal only.
type story struct {
	out  io.Writer
	live bool

	mu      sync.Mutex
	pending bool // a progress line stands without its end
}

func (s *story) observe(e syncer.Event) {
	text := tell(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Type == syncer.EventProgress {
		if s.live && e.Size > 0 {
			text := fmt.Sprintf("          %s %s  %s", bar(e.Sent, e.Size, 20), shown(string(e.Path)), progressAmount(e.Sent, e.Size, 0, 0))
			_, _ = fmt.Fprintf(raw(s.out), "\r\x1b[K%s", onOneLine(text, columnsOf(s.out)))
			s.pending = true
		}
		return
	}
	if text != "" {
		s.say(e.At, text)
	}
}

// note tells what is no event: a fault, say.
func (s *story) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(time.Now(), text)
}

func (s *story) say(at time.Time, text string) {
	if s.pending {
		_, _ = fmt.Fprint(raw(s.out), "\r\x1b[K")
		s.pending = false
	}
	_, _ = fmt.Fprintf(s.out, "%s  %s\n", at.Local().Format("15:04:05.000"), text)
}

// tell words an event.
func tell(e syncer.Event) string {
	name := shown(string(e.Path))
	switch e.Type {
	case syncer.EventPlanned:
		return fmt.Sprintf("settled    %s (%s, %s)", name, size(e.Size), e.Reason)
	case syncer.EventStarted:
		return fmt.Sprintf("sending    %s -> %s:%s", name, e.Destination, shown(e.RemotePath))
	case syncer.EventDelivered:
		return fmt.Sprintf("delivered  %s  receipt %s, evidence %s, SHA-256 %.8x...", name, e.ID, e.Receipt.Proof.Evidence, e.Receipt.Proof.SHA256)
	case syncer.EventArchived:
		return fmt.Sprintf("archived   %s", name)
	case syncer.EventConnected:
		return fmt.Sprintf("connected  to %s", e.Destination)
	case syncer.EventLost:
		return fmt.Sprintf("lost       %s; next attempt in %.1f s", e.Reason, e.Next.Sub(e.At).Seconds())
	case syncer.EventFailed, syncer.EventHeld, syncer.EventParked, syncer.EventBlocked:
		return fmt.Sprintf("%-9s  %s %s", e.Type, name, e.Reason)
	}
	return ""
}
