package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// options are what the command line says.
type options struct {
	parts     []part
	set       string // of cells; "" is one that the command line spells
	cells     []cell
	changes   []change  // of files
	lines     []network // over which changed files go
	peers     []string
	scale     float64
	rounds    int
	limit     time.Duration // a run is cut there
	repeat    time.Duration // a program that took longer in a round sits out the later ones
	budget    time.Duration // no transfer begins after that
	dir       string        // where the files go; "" chooses
	out       string        // the document to write the result into; "" is none
	dropferry string        // binary; "" builds one
	against   string        // a second dropferry; "" is none
}

const (
	defaultWorkloads = "1x512MiB,200x1MiB,2000x4KiB/50"
	defaultPeers     = "rsync,sftp,scp,lftp,rclone,rclone-tuned"
	defaultOut       = "docs/performance.md"
)

// standing are the flags with which a run is still one that docs/performance.md speaks of.
var standing = []string{"only", "set", "rounds", "limit", "repeat", "budget", "out", "dropferry"}

// parseOptions reads the command line; messages about it go to w.
func parseOptions(args []string, w io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(w)
	only := f.String("only", "", "parts to measure, with commas between: "+partNames()+"; all but delta by default")
	f.StringVar(&o.set, "set", "table", "transfers to measure: table is what the goals speak of, full is much more and takes hours")
	workloads := f.String("workloads", defaultWorkloads, "transfers of your own: COUNTxSIZE or COUNTxSIZE/DIRECTORIES, with commas between")
	rtts := f.String("rtt", "0,50ms", "their round-trip times, with commas between; 0 is the loopback interface as it is")
	rates := f.String("rate", "0", "their bytes per second in each direction, with commas between; 0 is no limit")
	changed := f.String("changes", "", "changes of files for delta, with commas between: "+changeNames()+"; all by default")
	peers := f.String("peers", defaultPeers, "programs to compare with; \"\" is none")
	f.Float64Var(&o.scale, "scale", 1, "size of everything; 0.01 is for trying the benchmark itself")
	f.IntVar(&o.rounds, "rounds", 3, "how often each program runs")
	f.DurationVar(&o.limit, "limit", time.Minute, "a run that takes longer is cut")
	f.DurationVar(&o.repeat, "repeat", 20*time.Second, "a program that took longer than this for a workload is not run again for it")
	f.DurationVar(&o.budget, "budget", 0, "no transfer begins later than this after the start; 18m by default, 12h for the full set")
	f.StringVar(&o.dir, "dir", "", "directory for all files; /dev/shm by default if they fit, else the system's temporary directory")
	f.StringVar(&o.out, "out", defaultOut, "document to write the result into, between its markers; \"\" is none. By default\nonly if the run is one that the document speaks of")
	f.StringVar(&o.dropferry, "dropferry", "", "binary to measure; by default it is built from this tree")
	f.StringVar(&o.against, "against", "", "a second dropferry binary to compare with")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	outGiven, asUsual, own := false, true, false
	f.Visit(func(g *flag.Flag) {
		outGiven = outGiven || g.Name == "out"
		asUsual = asUsual && slices.Contains(standing, g.Name)
		own = own || g.Name == "workloads" || g.Name == "rtt" || g.Name == "rate"
	})
	if !asUsual && !outGiven {
		o.out = ""
	}
	if own {
		o.set = ""
	}
	if o.budget == 0 {
		o.budget = usualBudget(o.set)
	}
	var errs [6]error
	o.parts, errs[0] = parseParts(*only)
	o.cells, errs[1] = parseCells(o.set, *workloads, *rtts, *rates, o.scale)
	o.peers, errs[2] = parsePeers(*peers)
	if o.rounds < 1 || o.limit <= 0 || o.scale <= 0 {
		errs[3] = errors.New("-rounds, -limit and -scale are above 0")
	}
	o.changes, errs[4] = parseChanges(*changed)
	if o.lines = deltaNetworks; own {
		o.lines, errs[5] = parseNetworks(*rtts, *rates)
	}
	return o, errors.Join(errs[:]...)
}

func usualBudget(set string) time.Duration {
	if set == "full" {
		return 12 * time.Hour
	}
	return 18 * time.Minute
}

func partNames() string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

// section is the name of a part's place in the document. The full set of transfers has its own, so that the short one
// does not take its place.
func (o options) section(p part) string {
	if p.name == "transfers" && o.set == "full" {
		return "transfers-full"
	}
	return p.name
}

func (o options) sections() []string {
	names := make([]string, len(o.parts))
	for i, p := range o.parts {
		names[i] = o.section(p)
	}
	return names
}

// parsePeers returns the names of known peers.
func parsePeers(list string) ([]string, error) {
	names := fields(list)
	for _, name := range names {
		if !slices.ContainsFunc(peers, func(p peer) bool { return p.name == name }) {
			return nil, fmt.Errorf("-peers: %q is not one of %s", name, defaultPeers)
		}
	}
	return names, nil
}

// fields returns what stands between commas.
func fields(list string) []string {
	var found []string
	for f := range strings.SplitSeq(list, ",") {
		if f = strings.TrimSpace(f); f != "" {
			found = append(found, f)
		}
	}
	return found
}
