package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/syncer"
)

func (p *program) statusCommand() *cobra.Command {
	var watch bool
	command := &cobra.Command{
		Use:   "status",
		Short: "Show folders, destinations and transfers",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if watch {
				return p.watchStatus(command.Context())
			}
			_, err := answer(command.Context(), p, nil, func(ctx context.Context, api control.API) (control.Status, error) {
				looking, cancel := context.WithTimeout(ctx, firstLook)
				defer cancel()
				s, err := api.Status(looking)
				return s, noAnswer(ctx, err, firstLook)
			}, p.printStatus)
			return err
		},
	}
	command.Flags().BoolVar(&watch, "watch", false, "go on showing it, with bars for files under way, until q is pressed")
	return command
}

// whoWaits says how many files wait, and why they do.
func whoWaits(w control.Standstill) string {
	last := w.Rule == string(syncer.RuleLast)
	switch {
	case last && w.Files == 1:
		return "1 file that goes last waits"
	case last:
		return fmt.Sprintf("%d files that go last wait", w.Files)
	case w.Files == 1:
		return "strict order: 1 file waits"
	}
	return fmt.Sprintf("strict order: %d files wait", w.Files)
}

// hint writes what to do, if anything is known.
func (p *program) hint(b *strings.Builder, text string) {
	if text != "" {
		fmt.Fprintf(b, "  what to do: %s\n", p.said(text))
	}
}

// hints returns what to do about files, once where it is the same for several.
func hints(all []control.Attention) (hints []string) {
	for i := range all {
		h := all[i].Hint
		if len(all) > 1 {
			h = strings.ReplaceAll(h, all[i].ID, "ID")
		}
		if h != "" && !slices.Contains(hints, h) {
			hints = append(hints, h)
		}
	}
	return hints
}

// attentionLines is how many files that wait for a person are named, so that the whole status stays on a screen.
const attentionLines = 5

// asideIn is how many files wait for a person.
func asideIn(s *control.Status) (n int) {
	for i := range s.Folders {
		n += s.Folders[i].Held + s.Folders[i].Parked
	}
	return n
}

func (p *program) printStatus(s control.Status) error {
	var b strings.Builder
	if s.Agent.Running {
		fmt.Fprintf(&b, "agent %s is running (pid %d, since %s)\n", s.Agent.Name, s.Agent.PID, clock(*s.Agent.StartedAt))
		if s.Agent.LoadedAt != nil {
			fmt.Fprintf(&b, "configuration %s, loaded %s\n", shown(s.Agent.Config), clock(*s.Agent.LoadedAt))
		}
	} else {
		fmt.Fprintf(&b, "agent %s is not running\n", s.Agent.Name)
	}
	if words, well := health(&s); s.Agent.Running || !well {
		fmt.Fprintf(&b, "%s\n", words)
	}
	for _, f := range s.Folders {
		fmt.Fprintf(&b, "folder %s (%s, %s)", f.Name, f.Mode, f.Path)
		if f.State != "" {
			fmt.Fprintf(&b, ": %s, %s", f.State, counted(f.Files, "file"))
		}
		b.WriteString(counts(", ", []count{
			{f.Settling, "settling"},
			{f.Ready, "to deliver"},
			{f.Held, "held"},
			{f.Parked, "parked"},
			{f.Stuck, "not ready for over an hour"},
			{f.Operations, "to make or remove"},
		}) + "\n")
		if f.Reason != "" {
			fmt.Fprintf(&b, "  %s\n", p.said(f.Reason))
		}
		for _, w := range f.Waiting {
			fmt.Fprintf(&b, "  %s: %s for %s\n", w.Destination, whoWaits(w), p.said(w.Reason))
		}
		for _, s := range f.StuckFiles {
			fmt.Fprintf(&b, "  not ready since %s: %s (%s)\n", clock(s.Since), shown(s.Path), s.Reason)
		}
	}
	for _, d := range s.Destinations {
		fmt.Fprintf(&b, "destination %s", d.Name)
		if d.State != "" {
			fmt.Fprintf(&b, ": %s", d.State)
		}
		b.WriteString(counts(", ", []count{{d.Queued, "queued"}, {d.Active, "under way"}}))
		if d.Bandwidth > 0 {
			fmt.Fprintf(&b, ", %s a second at most", size(d.Bandwidth))
		}
		b.WriteString("\n")
		if d.Reason != "" {
			fmt.Fprintf(&b, "  %s\n", p.said(d.Reason))
		}
		p.hint(&b, d.Hint)
		for _, w := range d.Warnings {
			fmt.Fprintf(&b, "  warning: %s\n", p.said(w))
		}
		if d.NextAttempt != nil {
			fmt.Fprintf(&b, "  next attempt %s\n", clock(*d.NextAttempt))
		}
	}
	for _, pause := range s.Pauses {
		switch {
		case pause.ID != "":
			fmt.Fprintf(&b, "%s on route %s/%s: paused since %s\n", pause.ID, pause.Folder, pause.Destination, clock(pause.Since))
		case pause.Folder != "" && pause.Destination != "": // a whole folder or destination says so itself
			fmt.Fprintf(&b, "route %s: paused since %s\n", pause.Target(), clock(pause.Since))
		}
	}
	for _, l := range s.Left {
		fmt.Fprintf(&b, "route %s/%s is not in the configuration any more: %d planned, %d may be published already, %d held, %d parked;\n"+
			"  %s\n",
			l.Folder, l.Destination, l.Planned, l.Committing, l.Held, l.Parked, p.said("`dropferry cancel "+l.Folder+"/"+l.Destination+"` forgets them"))
	}
	for _, a := range s.Attention[:min(len(s.Attention), attentionLines)] {
		fmt.Fprintf(&b, "%s since %s: %s/%s -> %s (%s)\n  %s\n", a.State, clock(a.Since), a.Folder, shown(a.Path), a.Destination, a.ID, p.said(a.Reason))
	}
	for _, h := range hints(s.Attention) {
		p.hint(&b, h)
	}
	if more := asideIn(&s) - min(len(s.Attention), attentionLines); more > 0 && len(s.Attention) > 0 {
		fmt.Fprintf(&b, "... and %s for a person: %s\n", strings.Replace(agent.FilesWait(more), " ", " more ", 1), p.said("`dropferry history --failed` has all of them"))
	}
	for _, t := range s.Transfers {
		percent := 100.0
		if t.Size > 0 {
			percent = 100 * float64(t.Sent) / float64(t.Size)
		}
		fmt.Fprintf(&b, "  %s -> %s  %s of %s (%.0f %%)\n", shown(t.Path), t.Destination, size(t.Sent), size(t.Size), percent)
	}
	return p.printf("%s", b.String())
}
