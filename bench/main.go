// Command bench runs dropferry and the programs that people use instead of it side by side: the same files, the same
// private OpenSSH server, the same minute, in turn, for several rounds. It prints a table, and writes it into
// docs/performance.md, where the prose says what the figures mean.
//
// Every run is the whole life of a process, from nothing to a tree at the server that is compared with the source. A
// run that leaves anything else there has failed and has no time.
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
	if len(os.Args) > 1 && os.Args[1] == meterCommand {
		os.Exit(meterMain(os.Args[2:]))
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

// bench is the whole benchmark. Its result goes to out, and how it comes along to progress.
func bench(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	o, err := parseOptions(args, progress)
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := checkDocument(o.out); err != nil {
			return err // now, and not when all is measured
		}
	}
	s, err := prepare(ctx, o, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()

	m := describeMachine(s.dir)
	all, err := s.measure(ctx, o)
	if err != nil {
		return err
	}
	m.loadAfter = loadAverage()
	text := report{o, m, s.programs, s.missing, all}.String()
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	if o.out != "" {
		if err := rewriteDocument(o.out, text); err != nil {
			return err
		}
		s.say("written to %s", o.out)
	}
	return all.ownFaults()
}
