package main

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
)

// trialWish is what a person wants of a test upload. The file takes its final name, where somebody at the other side may be waiting
// for files: so it is never sent unasked.
type trialWish struct{ send, keep, never bool }

func (w *trialWish) flags(command *cobra.Command) {
	flags := command.Flags()
	flags.BoolVar(&w.send, "test-upload", false, "deliver a small test file at the end, and remove it again")
	flags.BoolVar(&w.keep, "keep-test-upload", false, "deliver it, and leave it there")
	flags.BoolVar(&w.never, "no-test-upload", false, "deliver none, without asking")
	command.MarkFlagsMutuallyExclusive("test-upload", "keep-test-upload", "no-test-upload")
}

// ask has a person decide, where no flag does and there is one.
func (p *program) askTrial(ctx context.Context, w *trialWish, to string) error {
	if w.send || w.keep || w.never || !isTerminal(p.in) {
		return nil
	}
	err := p.printf("A small test file can be delivered now, in the way of every file:\n  %s\nWhatever fetches files there may take it.\n", to)
	for err == nil {
		var text string
		text, err = p.askLine(ctx, "Deliver it, and remove it again? yes, keep (it stays there) or no [no]: ")
		switch strings.ToLower(text) {
		case "yes", "y":
			w.send = true
			return err
		case "keep":
			w.keep = true
			return err
		case "", "no", "n":
			return err
		}
	}
	return err
}

// tryUpload delivers a test file where that is wanted, and says what it has shown.
func (p *program) tryUpload(ctx context.Context, c *config.Config, f *first) error {
	trial := agent.NewTrial(c, f.name, f.directory, time.Now())
	if err := p.askTrial(ctx, &f.trial, trial.To); err != nil {
		return err
	}
	if !f.trial.send && !f.trial.keep {
		return p.printf("No test file was delivered. To deliver one later: dropferry -c %s put FILE %s\n",
			config.ShellWord(c.File), config.ShellWord(strings.TrimSuffix(trial.To, path.Base(trial.To))))
	}
	result, err := trial.Send(ctx, c)
	if err != nil {
		return p.trialFailed(ctx, trial, err)
	}
	d := result.Delivery
	if err := p.printf("A test file was delivered to %s: %s, proven by %s.\n", trial.To, size(d.Size), d.Proof.Evidence); err != nil || f.trial.keep {
		return err
	}
	switch taken, err := trial.Remove(ctx, c); {
	case err != nil:
		return p.trialFailed(ctx, trial, fmt.Errorf("the test file stays at %s: %w", trial.To, err))
	case taken:
		return p.printf("Somebody has fetched it already.\n")
	}
	return p.printf("It was removed again.\n")
}

// trialFailed says why the test upload did not end well. The configuration stays: the next try needs no wizard.
func (p *program) trialFailed(ctx context.Context, trial agent.Trial, err error) error {
	_, _ = fmt.Fprintf(p.err, "dropferry: the test upload to %s has failed: %s\n", trial.To, p.said(err.Error()))
	if hint := remote.HintOf(err); hint != "" {
		_, _ = fmt.Fprintf(p.err, "  hint: %s\n", p.said(hint))
	}
	return exitError(putCode(ctx, err))
}
