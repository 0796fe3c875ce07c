package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/control"
)

func (p *program) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain PATH",
		Short: "Tell why a file was, or was not, sent",
		Args:  cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			name, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			_, err = answer(command.Context(), p, nil, func(ctx context.Context, api control.API) (control.Explanation, error) {
				return api.Explain(ctx, name)
			}, p.printExplanation)
			return err
		},
	}
}

func (p *program) printExplanation(e control.Explanation) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n  %s\n", shown(e.Path), e.State, p.said(e.Reason))
	if e.Folder != "" {
		fmt.Fprintf(&b, "  folder       %s\n", e.Folder)
	}
	if e.Since != nil && e.Until != nil {
		fmt.Fprintf(&b, "  settling     since %s, looked at again by %s\n", clock(*e.Since), clock(*e.Until))
	}
	for _, r := range e.Routes {
		fmt.Fprintf(&b, "  destination  %s: %s\n", r.Destination, p.said(r.Reason))
		switch r.State {
		case "queued", "failed", "waits", "blocked", "paused", "held", "parked", "cancelled": // what commands can be told of
			fmt.Fprintf(&b, "               id %s\n", r.ID)
		}
		if r.RemotePath != "" {
			fmt.Fprintf(&b, "               at %s\n", shown(r.RemotePath))
		}
		if r.Whole != "" {
			fmt.Fprintf(&b, "               sent whole %s\n", p.said(r.Whole))
		}
		if r.NextAttempt != nil {
			fmt.Fprintf(&b, "               next attempt %s\n", clock(*r.NextAttempt))
		}
		printStory(&b, r.Story)
	}
	for _, d := range e.Receipts {
		fmt.Fprintf(&b, "  receipt      %s  %s  %s to %s:%s  %s  attempts %d  SHA-256 %s\n",
			d.ID, clock(d.DeliveredAt), sentOf(d.Sent, d.Size), d.Destination, shown(d.RemotePath), d.Evidence, d.Attempts, d.SHA256)
	}
	return p.printf("%s", b.String())
}

// printStory tells what happened to a file on one route, a line for each moment.
func printStory(b *strings.Builder, story []control.Moment) {
	for _, m := range story {
		if m.What == "ready" { // and planned, which is told too
			continue
		}
		at, detail := fmt.Sprintf("%*s", len(time.DateTime), ""), m.Detail
		if !m.At.IsZero() {
			at = clock(m.At)
		}
		if m.What == "published" || m.What == "archived" {
			detail = shown(detail) // it begins with a name
		}
		if detail != "" {
			detail = ": " + indented(detail)
		}
		fmt.Fprintf(b, "               %s  %s%s\n", at, m.What, detail)
	}
}
