package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// putPatience is how long a put goes on without progress where the command line says nothing.
const putPatience = 10 * time.Minute

func (p *program) putCommand() *cobra.Command {
	var o agent.Put
	var sum string
	command := &cobra.Command{
		Use:   "put FILE|- DEST:PATH",
		Short: "Upload one file, or standard input, whole and verified",
		Long: "put sends one file to a destination of the configuration, under a temporary name until its content is verified.\n" +
			"PATH is below the destination's root, but with a / in front; with a / at its end it takes the file's name.\n" +
			"Cut off and started again with the same words, it goes on where it was. `-` sends standard input:\n\n" +
			"    pg_dump db | dropferry put - backup:dumps/db.sql",
		Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			o.File, o.To, o.Stream = args[0], args[1], p.in
			if err := readExpected(command, &o, sum); err != nil {
				return err
			}
			return p.put(command.Context(), &o)
		},
	}
	flags := command.Flags()
	flags.BoolVar(&o.Overwrite, "overwrite", false, "replace what stands at the final name")
	flags.BoolVar(&o.AllowEmpty, "allow-empty", false, "send standard input although it is empty")
	flags.DurationVar(&o.Patience, "timeout", putPatience, "give up after so long without progress; 0s tries once")
	flags.Int64Var(&o.Size, "size", 0, "publish only if this is the size in bytes")
	flags.StringVar(&sum, "sha256", "", "publish only if this is the content's SHA-256, in hex")
	flags.StringVar(&o.Verify, "verify", string(remote.Auto), "auto, content or size: the proof that is needed")
	flags.BoolVar(&o.RetryLogin, "retry-login", false, "log in although the last login was refused")
	return command
}

// readExpected reads what flags do not check by themselves.
func readExpected(command *cobra.Command, o *agent.Put, sum string) error {
	switch remote.Demand(o.Verify) {
	case remote.Auto, remote.Content, remote.Size:
	default:
		return usageError(fmt.Sprintf("--verify %q is none of auto, content and size", o.Verify))
	}
	switch {
	case !command.Flags().Changed("size"):
		o.Size = -1
	case o.Size < 0:
		return usageError(fmt.Sprintf("--size %d is no size", o.Size))
	}
	if o.Patience < 0 {
		return usageError(fmt.Sprintf("--timeout %s is no time", o.Patience))
	}
	if sum == "" {
		return nil
	}
	var err error
	if o.SHA256, err = hex.DecodeString(sum); err != nil || len(o.SHA256) != 32 {
		return usageError(fmt.Sprintf("--sha256 %q is not 64 hex digits", sum))
	}
	return nil
}

func (p *program) put(ctx context.Context, o *agent.Put) error {
	c, err := p.load()
	if err != nil {
		return err
	}
	place, err := o.Place(c)
	if err != nil {
		return err
	}
	name := shown(filepath.Base(o.File))
	if o.File == agent.StreamName {
		name = "standard input"
	}
	line := newProgress(p.err, name, !p.quiet)
	p.err = line // what is said meanwhile stands on lines of its own
	log := p.logger(c.Log)
	o.Observe = func(e syncer.Event) {
		switch e.Type {
		case syncer.EventProgress:
			line.show(e.Sent, e.Size)
		case syncer.EventFailed, syncer.EventLost:
			log.Warn("attempt failed", "to", place.String(), "error", e.Err.Error(), "next_attempt", e.Next.UTC().Format(time.RFC3339))
		}
	}
	result, err := o.Run(ctx, c)
	line.clear()
	if err != nil {
		return p.putFailed(ctx, o, place, err)
	}
	return p.printPut(name, place, result)
}

func (p *program) printPut(name string, place agent.PutPlace, r syncer.PutResult) error {
	d := agent.ViewDelivery(r.Delivery)
	proof := fmt.Sprintf("%s, SHA-256 %s, proven by %s", size(d.Size), d.SHA256, d.Evidence)
	switch {
	case p.json && r.Sent:
		return json.NewEncoder(p.out).Encode(putDelivered{"delivered", d})
	case p.json:
		return json.NewEncoder(p.out).Encode(adopted(d))
	case r.Sent:
		return p.printf("delivered %s to %s, %s\n", name, shown(place.String()), proof)
	}
	return p.printf("%s is at %s already, %s; nothing was sent\n", name, shown(place.String()), proof)
}

// putDelivered is the line of `put --json` with the receipt.
type putDelivered struct {
	Type string `json:"type"`
	control.Delivery
}

// putAdopted is the line where the content was there already; it leaves out what belongs to a delivery, of which there was none.
type putAdopted struct {
	Type        string `json:"type"`
	Destination string `json:"destination"`
	Path        string `json:"path"`
	PathB64     []byte `json:"path_b64,omitempty"`
	RemotePath  string `json:"remote_path"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"`
	Evidence    string `json:"evidence"`
	Command     string `json:"command,omitempty"`
	HostKey     string `json:"host_key"`
}

func adopted(d control.Delivery) putAdopted {
	return putAdopted{"adopted", d.Destination, d.Path, d.PathB64, d.RemotePath, d.Size, d.SHA256, d.Evidence, d.Command, d.HostKey}
}

// putFailure is the line of `put --json` where nothing was published.
type putFailure struct {
	Type        string `json:"type"`
	Destination string `json:"destination"`
	Path        string `json:"path"`
	RemotePath  string `json:"remote_path"`
	Error       string `json:"error"`
	Hint        string `json:"hint,omitempty"`
	Code        int    `json:"code"`
}

// putFailed says why nothing was published, and gives it its exit code.
func (p *program) putFailed(ctx context.Context, o *agent.Put, place agent.PutPlace, err error) error {
	kind, code, hint := "failed", putCode(ctx, err), agent.Typed(remote.HintOf(err), p.configFile)
	if occupied, ok := errors.AsType[*syncer.OccupiedError](err); ok {
		kind, hint = "held", "put it under another name"
		if occupied.IsFile {
			hint = "--overwrite replaces it"
		}
		err = fmt.Errorf("%s:%w", place.Destination.Name, err)
	}
	if errors.Is(err, syncer.ErrEmptyStream) {
		hint = "a producer that has failed writes nothing; --allow-empty sends it all the same"
	}
	if p.json {
		err := json.NewEncoder(p.out).Encode(putFailure{kind, place.Destination.Name, o.File, place.Final, err.Error(), hint, code})
		if err != nil {
			return err
		}
	}
	if code == exitInterrupted {
		_, _ = fmt.Fprintln(p.err, "dropferry: interrupted")
		return exitError(code)
	}
	_, _ = fmt.Fprintf(p.err, "dropferry: %s\n", p.said(err.Error()))
	if hint != "" {
		_, _ = fmt.Fprintf(p.err, "  hint: %s\n", hint)
	}
	return exitError(code)
}

// putCode returns the exit code for a put that has failed.
func putCode(ctx context.Context, err error) int {
	e, atServer := errors.AsType[*remote.Error](err)
	_, occupied := errors.AsType[*syncer.OccupiedError](err)
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, agent.ErrPutRuns):
		return exitLocked
	case occupied, errors.Is(err, watcher.ErrChanged), errors.Is(err, watcher.ErrBusy),
		errors.Is(err, syncer.ErrEmptyStream), errors.Is(err, syncer.ErrUnexpected):
		return exitUndelivered
	case !atServer:
		return exitCode(ctx, err)
	}
	if code := remoteCode(e.Kind); code != exitFailure {
		return code
	}
	return exitUndelivered // the server refuses this file, or has no room for it
}
