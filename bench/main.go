// Command bench runs dropferry and the programs that people use instead of it side by side: the same files, the same
// private OpenSSH server, the same minute, in turn, for several rounds. Beside that it measures what is dropferry's alone:
// latency, a start with a million known files, what idling costs. It prints tables and writes them into
// docs/performance.md, where the prose says what the figures mean.
//
// A transfer counts if the tree at the server is the same as the source afterwards. A run that leaves anything else there
// has failed and has no time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if code, ok := asOther(os.Args[1:]); ok {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// asOther tells whether this process is to be something else than the benchmark, and is it: a meter or a probe. The
// benchmark starts itself as those.
func asOther(args []string) (code int, is bool) {
	if len(args) == 0 {
		return 0, false
	}
	switch args[0] {
	case meterCommand:
		return meterMain(args[1:]), true
	case probeCommand:
		return probeMain(args[1:], os.Stdout), true
	}
	return 0, false
}

// bench is the whole benchmark. Its result goes to out, and how it comes along to progress. What has been measured is told
// and written even where something fails later.
func bench(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	o, err := parseOptions(args, progress)
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := checkDocument(o.out, o.sections()); err != nil {
			return err // now, and not when all is measured
		}
	}
	s, err := prepare(ctx, o, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var faults []error
	for _, p := range o.parts {
		s.say("%s", p.name)
		made, err := s.measure(ctx, p)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", p.name, err))
			if ctx.Err() != nil {
				break
			}
			continue
		}
		faults = append(faults, made.faults)
		if _, err := fmt.Fprintf(out, "%s\n\n%s\n", p.title, made.text); err != nil {
			return err
		}
		if o.out == "" {
			continue
		}
		if err := write(o.out, o.section(p), made); err != nil {
			return err
		}
		s.say("written to %s", o.out)
	}
	return errors.Join(faults...)
}
