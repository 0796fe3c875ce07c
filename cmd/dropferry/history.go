package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/control"
)

// historyLines is how many lines people are shown who do not say how many they want: a ledger of years is more than an agent should hold
// in its memory for a glance at it.
const historyLines = 10000

func (p *program) historyCommand() *cobra.Command {
	var since string
	var q control.HistoryQuery
	command := &cobra.Command{
		Use:   "history",
		Short: "Show the receipts of what was delivered, newest first",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) (err error) {
			if q.Limit < 0 {
				return usageError(fmt.Sprintf("--limit %d is no number of receipts", q.Limit))
			}
			if q.Since, err = parseSince(since, time.Now()); err != nil {
				return err
			}
			cut := !p.json && q.Limit == 0 && q.Since.IsZero()
			if cut {
				q.Limit = historyLines
			}
			if p.json && q.Limit == 0 && !q.Failed {
				return p.wholeHistory(command.Context(), q)
			}
			h, err := answer(command.Context(), p, nil, func(ctx context.Context, api control.API) (control.History, error) {
				return api.History(ctx, q)
			}, p.printHistory)
			if err != nil || !cut || max(len(h.Deliveries), len(h.Failed), len(h.Removals)) < historyLines {
				return err
			}
			return p.printf("These are the newest %d; --since and --limit show others, and --json has all.\n", historyLines)
		},
	}
	flags := command.Flags()
	flags.StringVar(&since, "since", "", "only since then: 24h, 7d, 2026-11-20 or an RFC 3339 time")
	flags.StringVar(&q.Folder, "folder", "", "only of this folder")
	flags.StringVar(&q.Destination, "destination", "", "only to this destination")
	flags.StringVar(&q.Path, "path", "", "only of files that match this pattern, as in include: *.xml, 2026/**")
	flags.BoolVar(&q.Failed, "failed", false, "what is not delivered and has failed, in place of what is delivered")
	flags.IntVar(&q.Limit, "limit", 0, "only the newest so many")
	return command
}

// wholeHistory prints in JSON what may be a ledger of years, without holding it.
func (p *program) wholeHistory(ctx context.Context, q control.HistoryQuery) error {
	return p.asking(ctx, nil, func(api control.API) error { return control.WriteHistory(ctx, p.out, api, q) })
}

// parseSince reads a moment or an age.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	var days int
	if n, err := fmt.Sscanf(text, "%dd", &days); n == 1 && err == nil && text == fmt.Sprintf("%dd", days) {
		return now.AddDate(0, 0, -days), nil
	}
	if age, err := time.ParseDuration(text); err == nil {
		return now.Add(-age), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageError(fmt.Sprintf("--since %q is no time: write 24h, 7d, 2026-11-20 or 2026-11-20T08:00:00Z", text))
}

func (p *program) printHistory(h control.History) error {
	if h.Failed != nil {
		return p.printFailed(h.Failed)
	}
	if len(h.Deliveries) == 0 {
		if err := p.printf("Nothing was delivered.\n"); err != nil {
			return err
		}
		return p.printRemovals(h.Removals)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "DELIVERED\tID\tFOLDER\tDESTINATION\tPATH\tSIZE\tEVIDENCE\tATTEMPTS\tSHA-256")
	for _, d := range h.Deliveries {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%.16s\n",
			clock(d.DeliveredAt), d.ID, d.Folder, d.Destination, shown(d.Path), sentOf(d.Sent, d.Size), d.Evidence, d.Attempts, d.SHA256)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := p.printf("%s\n", totals(h.Deliveries)); err != nil {
		return err
	}
	return p.printRemovals(h.Removals)
}

// sentOf words the size of a file, and how much of it was sent or would be, where that is not all; nil is of an older agent.
func sentOf(sent *int64, all int64) string {
	if sent == nil || *sent == all {
		return size(all)
	}
	return size(*sent) + " of " + size(all)
}

// totals words what deliveries come to.
func totals(all []control.Delivery) string {
	var bytes, sent int64
	var attempts int
	files := map[[2]string]bool{}
	for _, d := range all {
		bytes, sent = bytes+d.Size, sent+d.Size
		if d.Sent != nil {
			sent += *d.Sent - d.Size
		}
		attempts += d.Attempts
		files[[2]string{d.Folder, d.Path}] = true
	}
	word := "deliveries"
	if len(all) == 1 {
		word = "delivery"
	}
	return fmt.Sprintf("%d %s of %s, %s, in %s", len(all), word, counted(len(files), "file"), sentOf(&sent, bytes), counted(attempts, "attempt"))
}

// printFailed tells what is not delivered, and why.
func (p *program) printFailed(all []control.Attention) error {
	if len(all) == 0 {
		return p.printf("Nothing has failed that is not delivered.\n")
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "SINCE\tSTATE\tID\tFOLDER\tDESTINATION\tPATH\tSIZE\tREASON")
	for _, a := range all {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			clock(a.Since), a.State, a.ID, a.Folder, a.Destination, shown(a.Path), size(a.Size), p.said(a.Reason))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(counted(len(all), "file") + "\n")
	for _, h := range hints(all) {
		p.hint(&b, h)
	}
	return p.printf("%s", b.String())
}

// printRemovals tells what mirrors have removed at their destinations.
func (p *program) printRemovals(all []control.Removal) error {
	if len(all) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\nREMOVED\tID\tFOLDER\tDESTINATION\tPATH\tSIZE\tTRASH")
	for _, r := range all {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			clock(r.RemovedAt), r.ID, r.Folder, r.Destination, shown(r.Path), size(r.Size), shown(r.Trash))
	}
	return w.Flush()
}
