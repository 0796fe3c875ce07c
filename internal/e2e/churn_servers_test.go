package e2e

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// churnServerNamed has random histories played with that server alone: see `make churn`.
var churnServerNamed = flag.String("churn-server", "", "of random histories: hashing, silent, timeless, folding or folding-timeless; \"\" draws some")

// churnServer is a server that a random history is played with.
type churnServer struct {
	name    string
	sshd    sftptest.SSHDOptions
	library bool // it is the one of this repository, with these
	options sftptest.ServerOptions
	faults  []sftptest.Fault
}

// hashing is the server that most histories are played with.
var hashing = churnServer{name: "hashing"}

// churnServers are those that do not tell hashes, keep no times, or take several names for one.
var churnServers = []churnServer{
	{name: "silent", sshd: sftptest.SSHDOptions{NoExec: true}},
	{name: "timeless", library: true, faults: []sftptest.Fault{sftptest.RefuseSetstat()}},
	{name: "folding", library: true, options: sftptest.ServerOptions{SameName: strings.ToLower}},
	{name: "folding-timeless", library: true, options: sftptest.ServerOptions{SameName: strings.ToLower}, faults: []sftptest.Fault{sftptest.RefuseSetstat()}},
}

// drawServer draws one of those, or returns the one that is asked for.
func drawServer(t *testing.T, random *rand.Rand) churnServer {
	t.Helper()
	if *churnServerNamed == "" {
		return churnServers[random.IntN(len(churnServers))]
	}
	for _, s := range append(slices.Clip(churnServers), hashing) {
		if s.name == *churnServerNamed {
			return s
		}
	}
	t.Fatalf("there is no server %q", *churnServerNamed)
	return hashing
}

// churnRig starts the server, and has a directory made for the mirror, whose path is returned. folder are lines of the configuration, as in
// newRig.
func (s *churnServer) churnRig(t *testing.T, folder string) (r *rig, inbox string) {
	t.Helper()
	r = bareRig(t)
	if s.library {
		library := sftptest.StartServer(t, s.options, s.faults...)
		r.outboxTo(library.TOML("acme")+patient, folder)
		inbox = filepath.Join(library.Dir, "in")
	} else {
		r.sshd = sftptest.StartSSHD(t, s.sshd)
		r.outboxTo(r.acme(), folder)
		inbox = r.inbox("in")
	}
	if err := os.Mkdir(inbox, 0o700); err != nil {
		t.Fatal(err)
	}
	return r, inbox
}

// key returns the same for names that are one to the server.
func (s *churnServer) key(name string) string {
	if s.options.SameName == nil {
		return name
	}
	return s.options.SameName(name)
}

// keys returns the names as the server tells them apart, sorted.
func (s *churnServer) keys(names []string) []string {
	all := map[string]bool{}
	for _, name := range names {
		all[s.key(name)] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// contents returns files by the names that the server tells apart.
func (s *churnServer) contents(files map[string]string) map[string]string {
	all := make(map[string]string, len(files))
	for name, content := range files {
		all[s.key(name)] = content
	}
	return all
}

// churnServerSeeds are random histories that are always played with a server; one that has once failed is added here.
var churnServerSeeds = map[string][]uint64{"folding": {1796077639412517482, 1796083203990679153}}

// TestChurnOnOtherServers is TestChurnWithDeletes with a server that hashes nothing, and may keep no times or take several names for one.
func TestChurnOnOtherServers(t *testing.T) {
	t.Parallel()
	play := func(s churnServer, seed uint64) {
		t.Run(fmt.Sprintf("%s, seed %d", s.name, seed), func(t *testing.T) {
			t.Parallel()
			playDeletes(t, seed, noEnd, "", s)
		})
	}
	if *churnSeed != 0 {
		play(drawServer(t, rand.New(rand.NewPCG(*churnSeed, 3))), *churnSeed)
		return
	}
	for _, s := range churnServers {
		for _, seed := range churnServerSeeds[s.name] {
			play(s, seed)
		}
	}
	if testing.Short() {
		return
	}
	for range *churnDeletes {
		seed := freshSeed()
		play(drawServer(t, rand.New(rand.NewPCG(seed, 3))), seed)
	}
}
