// Command soak lets the real agent work for minutes while everything around it fails: `dropferry run` as a process of its
// own, a real OpenSSH server, and between them a wire that is cut, silent, slow or refused. The server is killed and
// started again, so is the agent, and the server's disk runs full. Meanwhile producers write, replace and rename files in
// an outbox and a mirror, and a partner takes what is published.
//
// Everything that happens is recorded as facts, and judged when the agent has come to rest: what is missing, what came
// twice, what was ever half visible. A seed gives the same scripts of the producers and the same schedule of the faults
// again; where in a transfer a fault lands is up to the machine.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options are what the command line says.
type options struct {
	seed   uint64
	lasts  time.Duration // of the faults
	rate   int           // of the wire, bytes a second
	base   string        // the directory in which the soak makes its own
	binary string        // of the agent; "" builds it
	race   bool
	keep   bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := soakAndJudge(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "soak: %v\n", err)
		os.Exit(1)
	}
}

func parseOptions(args []string, w io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.SetOutput(w)
	minutes := f.Float64("minutes", 5, "how long there are faults")
	rate := f.Int("rate", 32, "what the wire carries while nothing is wrong, in MiB a second")
	f.Uint64Var(&o.seed, "seed", 0, "repeat the producers' scripts and the schedule of the faults; 0 draws a new seed")
	f.StringVar(&o.base, "dir", "", "where the soak makes its directory; the system's temporary directory by default")
	f.StringVar(&o.binary, "dropferry", "", "binary to soak; by default it is built from this tree")
	f.BoolVar(&o.race, "race", false, "build it with the race detector, which needs a C compiler")
	f.BoolVar(&o.keep, "keep", false, "keep the directory of a clean run, too")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	if *minutes <= 0 || *rate <= 0 {
		return o, errors.New("-minutes and -rate are above 0")
	}
	o.lasts, o.rate = time.Duration(*minutes*float64(time.Minute)), *rate<<20
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano()) % 1_000_000_000 // short enough to be typed
	}
	return o, nil
}

// errFound says that the soak has found something.
var errFound = errors.New("FAILED")

// soakAndJudge makes a soak, prints what there is to say, and fails where anything is wrong. What happened is kept then.
func soakAndJudge(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	o, err := parseOptions(args, progress)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.base, "dropferry-soak-")
	if err != nil {
		return err
	}
	s := &soak{options: o, dir: dir, progress: progress, facts: facts{Seed: o.seed}}
	err = s.run(ctx)
	var printErr error
	if err == nil {
		found := check(&s.facts)
		_, printErr = io.WriteString(out, describe(&s.facts, found))
		if len(found) > 0 {
			err = errFound
		}
	}
	if err == nil && !o.keep {
		return errors.Join(printErr, os.RemoveAll(dir))
	}
	text, jsonErr := json.MarshalIndent(&s.facts, "", " ")
	if jsonErr == nil {
		jsonErr = os.WriteFile(filepath.Join(dir, "facts.json"), text, 0o600)
	}
	s.say("kept: %s (agent.log has the faults, facts.json all that was recorded); again with -seed %d", dir, o.seed)
	return errors.Join(err, printErr, jsonErr)
}
