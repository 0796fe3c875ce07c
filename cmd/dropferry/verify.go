package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/remote"
)

func (p *program) verifyCommand() *cobra.Command {
	var o agent.VerifyOptions
	command := &cobra.Command{
		Use:   "verify [folder:NAME|destination:NAME|FOLDER/DESTINATION...]",
		Short: "Compare what is at the destinations with what was delivered there; --repair sends it again",
		Long: "verify looks at every file that the destinations should hold, over a connection of its own, and changes nothing there:\n" +
			"at sizes and times, with --content at the content too. What exists only there is not looked at.\n\n" +
			"With --repair, what a folder keeps and is missing or truncated there is planned to be sent again. What was changed\n" +
			"there by somebody is held for a person to decide, but with --overwrite replaced.",
		RunE: func(command *cobra.Command, targets []string) error {
			c, err := p.load()
			if err != nil {
				return err
			}
			line := newProgress(p.err, "", !p.quiet)
			line.last = time.Now() // what is over soon shows none
			o.Targets = targets
			o.Progress = func(looked int) {
				line.say(func(time.Time) string { return fmt.Sprintf("%d files looked at", looked) })
			}
			var failed error
			o.Tell = func(f control.Finding) {
				line.clear()
				if err := p.printFinding(f); err != nil {
					failed = err
				}
			}
			v, err := agent.Verify(command.Context(), c, o)
			line.clear()
			if err == nil {
				err = failed
			}
			if err != nil {
				return err
			}
			if err := p.printVerification(v); err != nil {
				return err
			}
			return verifyResult(v)
		},
	}
	flags := command.Flags()
	flags.BoolVar(&o.Content, "content", false, "compare the content of every file: by hash at the server, else by reading it back")
	flags.BoolVar(&o.Repair, "repair", false, "have what is missing or damaged sent again")
	flags.BoolVar(&o.Overwrite, "overwrite", false, "with --repair, replace what somebody has changed there")
	return command
}

// verifyResult says by the exit code what was found. Damage comes before a destination that could not be asked.
func verifyResult(v agent.Verification) error {
	switch {
	case v.Missing+v.Truncated+v.Different+v.Unreadable > 0:
		return exitError(exitUndelivered)
	case v.Stopped != nil:
		if code := remoteCode(remote.KindOf(v.Stopped)); code != exitFailure {
			return exitError(code)
		}
		return exitError(exitUndelivered)
	case v.Unknown > 0:
		return exitError(exitUndelivered)
	}
	return nil
}

func (p *program) printFinding(f control.Finding) error {
	if p.json {
		return json.NewEncoder(p.out).Encode(f)
	}
	var b strings.Builder
	if f.Path == "" {
		fmt.Fprintf(&b, "%-10s %s/%s: %s could not be asked for: %s\n", f.Type, f.Folder, f.Destination, files(f.Files), p.said(f.Reason))
	} else {
		fmt.Fprintf(&b, "%-10s %s: %s at %s:%s\n", f.Type, f.Folder, shown(f.Path), f.Destination, shown(f.RemotePath))
		fmt.Fprintf(&b, "  %s\n", p.said(f.Reason))
		fmt.Fprintf(&b, "  expected %s\n", described(f.Expected))
		if f.Found != nil {
			fmt.Fprintf(&b, "  found    %s\n", described(f.Found))
		}
		b.WriteString(remedied(f))
	}
	if f.Hint != "" {
		fmt.Fprintf(&b, "  %s\n", p.said(f.Hint))
	}
	return p.printf("%s", b.String())
}

func described(c *control.Copy) string {
	text := "a " + c.Kind
	if c.Kind == "file" {
		text += " of " + size(c.Size)
		if c.Size >= 1024 {
			text += fmt.Sprintf(" (%d bytes)", c.Size)
		}
	}
	if c.ModTime != nil {
		text += " from " + clock(*c.ModTime)
	}
	if c.SHA256 != "" {
		text += fmt.Sprintf(", SHA-256 %.16s", c.SHA256)
	}
	return text
}

// remedied words what a repair does, or has done.
func remedied(f control.Finding) string {
	switch f.Outcome {
	case control.Planned:
		return "  it is sent again as " + f.ID + "\n"
	case control.Held:
		return "  it is held as " + f.ID + "\n"
	case control.Forgotten:
		return "  it is gone here too, and forgotten now\n"
	case control.NotDone:
		return "  it was not repaired\n"
	}
	switch f.Repair {
	case control.RemedyUpload:
		return "  --repair sends it again\n"
	case control.RemedyOverwrite:
		return "  --repair replaces it\n"
	case control.RemedyHold:
		return "  --repair holds it, for a person to decide; with --overwrite it is replaced\n"
	}
	return ""
}

func (p *program) printVerification(v agent.Verification) error {
	if p.json {
		return json.NewEncoder(p.out).Encode(v.Checked)
	}
	text := fmt.Sprintf("%s checked in %.1f s: %d ok", files(v.Checked.Checked), v.Seconds, v.OK) + counts(", ", []count{
		{v.Missing, "missing"},
		{v.Truncated, "truncated"},
		{v.Different, "different"},
		{v.Touched, "touched"},
		{v.Taken, "taken"},
		{v.Unreadable, "unreadable"},
		{v.Unknown, "unknown"},
		{v.UnderWay, "under way"},
	})
	if done := v.Planned + v.Held + v.Forgotten; done > 0 {
		text += fmt.Sprintf("; %d to be sent again, %d held, %d forgotten", v.Planned, v.Held, v.Forgotten)
	}
	return p.printf("%s%s\n", text, stopped(v.Pauses))
}
