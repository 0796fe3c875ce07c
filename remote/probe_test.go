package remote

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// slowLooks makes a server that is asked for several things at once see them together.
var slowLooks = sftptest.Fault{Op: sftptest.OpLstat + "," + sftptest.OpOpen, Delay: 20 * time.Millisecond}

// A server whose connections end when it is asked for two things at once is found out with two connections, and the third
// works, with one request at a time.
func TestServerThatBearsOneRequest(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.MaxInFlight(1), slowLooks)
	target := serverTarget(server)
	var stored Capabilities
	for i, want := range []Capabilities{{ProbeCuts: 1}, {Version: ProbeVersion, InFlight: 1}} {
		s := mustDial(t, target)
		s.Use(stored)
		_, err := s.Probe(t.Context(), time.Now())
		wantError(t, err, Transient)
		wantDead(t, s)
		learned, changed := stored.Learn(s.Capabilities())
		if !changed || learned.Version != want.Version || learned.InFlight != want.InFlight || learned.ProbeCuts != want.ProbeCuts {
			t.Fatalf("after %d sessions: %+v", i+1, learned)
		}
		stored = learned
	}
	if left := names(t, server.Dir); len(left) > 0 {
		t.Errorf("%q is left behind", left)
	}
	if !stored.Current(time.Now()) || !stored.PosixRename || !stored.SetTimes || !stored.RenameRefuses || !stored.Stat {
		t.Errorf("stored: %+v", stored)
	}
	if stored.Current(time.Now().Add(2 * doubtFor)) {
		t.Error("it is believed for ever")
	}
	s := mustDial(t, target)
	s.Use(stored)
	var all []<-chan error
	for i := range 5 {
		name := fmt.Sprint("/", i)
		all = append(all, async(func() error {
			if err := upload(t, s, name, random(5*safeWrite)); err != nil {
				return err
			}
			_, err := s.ReadBack(t.Context(), name)
			return err
		}))
	}
	for _, c := range all {
		if err := soon(t, "upload", c); err != nil {
			t.Error(err)
		}
	}
	for i := range 5 {
		holds(t, random(5*safeWrite), server.Dir, fmt.Sprint(i))
	}
}

// One that answers wrongly is found out at once, and what it said meanwhile is asked again.
func TestServerThatMixesReplies(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.MixReplies(), slowLooks)
	s := mustDial(t, serverTarget(server))
	c, err := s.Probe(t.Context(), time.Now())
	if err != nil || c.InFlight != 1 || !c.Stat || !c.PosixRename || !c.Current(time.Now()) {
		t.Errorf("capabilities %+v, %v", c, err)
	}
	mustUpload(t, s, "/a", []byte("a"))
	var all []<-chan error
	for i := range 10 {
		all = append(all, async(func() error {
			if i%2 == 0 {
				_, err := s.Stat(t.Context(), "/a")
				return err
			}
			if _, err := s.Stat(t.Context(), "/none"); !Missing.is(err) {
				return fmt.Errorf("what is missing is answered with %w", err)
			}
			return nil
		}))
	}
	for _, c := range all {
		if err := soon(t, "stat", c); err != nil {
			t.Error(err)
		}
	}
	if left := names(t, server.Dir); len(left) != 1 {
		t.Errorf("%q is left", left)
	}
}

// A cut of the network in the midst of a probe is no property of the server.
func TestProbesThatTheNetworkCuts(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.CutOn(sftptest.OpRename))
	var stored Capabilities
	first := mustDial(t, serverTarget(server))
	_, err := first.Probe(t.Context(), time.Now())
	wantError(t, err, Transient)
	stored, changed := stored.Learn(first.Capabilities())
	if !changed || stored.ProbeCuts != 1 || stored.Current(time.Now()) || stored.Identity != first.Identity() {
		t.Errorf("learned %+v", stored)
	}
	server.Faults.Add(sftptest.CutOn(sftptest.OpRename)) // again, with one request at a time
	second := mustDial(t, serverTarget(server))
	second.Use(stored)
	_, err = second.Probe(t.Context(), time.Now())
	wantError(t, err, Transient)
	stored, _ = stored.Learn(second.Capabilities())
	third := mustDial(t, serverTarget(server))
	third.Use(stored)
	c, err := third.Probe(t.Context(), time.Now())
	if err != nil || c.InFlight != 0 || c.ProbeCuts != 0 || !c.Current(time.Now()) {
		t.Errorf("capabilities %+v, %v", c, err)
	}
	if c.Left != nil {
		t.Errorf("%q count as left", c.Left)
	}
	if left := names(t, server.Dir); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
	closed := mustDial(t, serverTarget(server))
	server.Faults.Add(sftptest.HangOn(sftptest.OpRename))
	probing := async(func() error { _, err := closed.Probe(t.Context(), time.Now()); return err })
	eventually(t, "the probe hangs", func() bool { return server.Faults.Hits() > 2 })
	closed.Close()
	wantError(t, soon(t, "probe", probing), Transient, "session closed")
	if c := closed.Capabilities(); c.ProbeCuts != 0 {
		t.Errorf("our own end counts as a cut: %+v", c)
	}
}

// Where one file may be open at a time, the others wait: none is refused.
func TestServerWithOneOpenFile(t *testing.T) {
	t.Parallel()
	for most := 1; most <= 2; most++ {
		server, s := probed(t, noEmpty(func(c *sftptest.CheckFile) { c.NoName = true }), sftptest.MaxOpenFiles(most), sftptest.SlowAcks(time.Millisecond))
		hashes(s)
		if c := s.Capabilities(); c.MaxOpen != most || c.OpenFiles() != most {
			t.Fatalf("%d open files, want %d", c.MaxOpen, most)
		}
		var all []<-chan error
		for i := range 8 {
			name, content := fmt.Sprint("/", i), random(3*safeWrite+i)
			all = append(all, async(func() error {
				if err := upload(t, s, name, content); err != nil {
					return err
				}
				if got := verify(t, s, name, content, Auto); got.Kind != CheckFile { // by handle
					return fmt.Errorf("evidence %+v", got)
				}
				_, err := s.ReadBack(t.Context(), name)
				return err
			}))
		}
		for _, c := range all {
			if err := soon(t, "upload", c); err != nil {
				t.Error(err)
			}
		}
		for i := range 8 {
			holds(t, random(3*safeWrite+i), server.Dir, fmt.Sprint(i))
		}
	}
}

// Who waits for an open file ends with his context or with the session.
func TestWaitingForAnOpenFileEnds(t *testing.T) {
	t.Parallel()
	server, s := probed(t, sftptest.ServerOptions{}, sftptest.OneOpenFile())
	server.Faults.Add(sftptest.HangOn(sftptest.OpWrite))
	hung := uploading(t, s, "/a.part", 0)
	waiting := async(func() error { return upload(t, s, "/b.part", nil) })
	reading := async(func() error { _, err := s.ReadBack(t.Context(), "/b.part"); return err })
	s.Close()
	for _, c := range []<-chan error{hung, waiting, reading} {
		wantError(t, soon(t, "the end", c), Transient, "session closed")
	}
}

// What a server tells of its handles bounds the files that are open, with half of them left to others.
func TestOpenFiles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		caps Capabilities
		want int
	}{
		{Capabilities{}, 0},
		{Capabilities{Limits: Limits{Handles: 1}}, 1},
		{Capabilities{Limits: Limits{Handles: 7}}, 3},
		{Capabilities{Limits: Limits{Handles: 1 << 63}}, 1 << 20},
		{Capabilities{Limits: Limits{Handles: 100}, MaxOpen: 2}, 2},
	} {
		if got := test.caps.OpenFiles(); got != test.want {
			t.Errorf("%+v: %d, want %d", test.caps, got, test.want)
		}
	}
}

func TestLearn(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	known := Capabilities{Version: ProbeVersion, Stat: true, SetTimes: true, Fsync: true, CheckFile: checkFileName, Hash: hashCommands[0]}
	with := func(c Capabilities, change func(*Capabilities)) Capabilities { change(&c); return c }
	for name, test := range map[string]struct {
		before, session, want Capabilities
	}{
		"nothing":                      {known, known, known},
		"refusals of one session only": {known, with(known, func(c *Capabilities) { c.SetTimes, c.Fsync, c.PosixRename = false, false, true }), known},
		"large WRITEs": {
			known, with(known, func(c *Capabilities) { c.LargeWrites = true }), with(known, func(c *Capabilities) { c.LargeWrites = true }),
		},
		"a cut": {
			known, with(known, func(c *Capabilities) { c.LargeCuts, c.LargeCutAt = 1, now }),
			with(known, func(c *Capabilities) { c.LargeCuts, c.LargeCutAt = 1, now }),
		},
		"large WRITEs after cuts": {
			with(known, func(c *Capabilities) { c.LargeCuts, c.LargeCutAt = 2, now }),
			with(known, func(c *Capabilities) { c.LargeCuts, c.LargeCutAt, c.LargeWrites = 2, now, true }),
			with(known, func(c *Capabilities) { c.LargeWrites = true }),
		},
		"no look at closed files": {known, with(known, func(c *Capabilities) { c.Stat = false }), with(known, func(c *Capabilities) { c.Stat = false })},
		"no check-file":           {known, with(known, func(c *Capabilities) { c.CheckFile = "" }), with(known, func(c *Capabilities) { c.CheckFile = "" })},
		"no posix-rename":         {with(known, func(c *Capabilities) { c.PosixRename = true }), known, known},
		"no resume":               {known, with(known, func(c *Capabilities) { c.NoResume = true }), with(known, func(c *Capabilities) { c.NoResume = true })},
		"no permissions":          {known, with(known, func(c *Capabilities) { c.RefusesMode = true }), with(known, func(c *Capabilities) { c.RefusesMode = true })},
		"permissions of before":   {with(known, func(c *Capabilities) { c.RefusesMode = true }), known, with(known, func(c *Capabilities) { c.RefusesMode = true })},
		"a cut probe":             {Capabilities{}, Capabilities{ProbeCuts: 1, Identity: "x"}, Capabilities{ProbeCuts: 1, Identity: "x"}},
		"a whole one after it":    {Capabilities{ProbeCuts: 1}, known, known},
	} {
		got, changed := test.before.Learn(test.session)
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s: learned\n%+v, want\n%+v", name, got, test.want)
		}
		if want := fmt.Sprint(test.want) != fmt.Sprint(test.before); changed != want {
			t.Errorf("%s: changed: %t, want %t", name, changed, want)
		}
	}
}

// A probe costs few round trips, since it asks for what does not hang together at once.
func TestProbeOfADistantServer(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	wire := sftptest.StartWire(t, sshd.Addr)
	target := sshdTarget(sshd)
	target.Host, target.Port = wire.Host(), wire.Port()
	s := mustDial(t, target)
	const roundTrip = 200 * time.Millisecond
	wire.SetDelay(roundTrip / 2)
	var took time.Duration
	for range 8 { // a machine that stands still is no round trip
		begun := time.Now()
		c, err := s.Probe(t.Context(), begun)
		if err != nil || c.Hash == "" || !c.PosixRename {
			t.Fatalf("capabilities %+v, %v", c, err)
		}
		if took = time.Since(begun); took <= 16*roundTrip { // one after the other it is 18, and 9 on a quiet machine
			return
		}
	}
	t.Errorf("the probe took %v, which is %d round trips", took, took/roundTrip)
}

// The names of the files that a probe makes are noted before, so that a kill leaves nothing that nobody knows.
func TestProbeNotesItsFiles(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]sftptest.Fault{
		"a server":                    {},
		"one that mixes replies":      {sftptest.MixReplies(), {Op: sftptest.OpLstat, Delay: 20 * time.Millisecond}},
		"one that cuts":               {sftptest.CutOn(sftptest.OpRename)},
		"one that lets nothing go":    {sftptest.Refuse(sftptest.OpRemove, sftptest.PermissionDenied)},
		"one that lets write nothing": {sftptest.Refuse(sftptest.OpOpen+","+sftptest.OpRemove, sftptest.PermissionDenied)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, sftptest.ServerOptions{}, faults...)
			s := mustDial(t, serverTarget(server))
			var mu sync.Mutex
			noted, open := map[string]bool{}, 0
			s.Noting(func(names []string) (func(), error) {
				mu.Lock()
				defer mu.Unlock()
				open++
				for _, name := range names {
					noted[name] = true
				}
				for _, c := range server.Faults.Trace() {
					if slices.Contains(names, c.Path) || slices.Contains(names, c.Target) {
						t.Errorf("%s was asked for before it was noted", c.Path)
					}
				}
				return func() { mu.Lock(); defer mu.Unlock(); open-- }, nil
			})
			_, err := s.Probe(t.Context(), time.Now())
			if failed := err != nil; failed != (strings.Contains(name, "cuts") || strings.Contains(name, "write nothing")) {
				t.Errorf("probe: %v", err)
			}
			left := names(t, server.Dir)
			for _, name := range left {
				if !noted["/"+name] {
					t.Errorf("%s was left and not noted", name)
				}
			}
			if (open > 0) != (len(left) > 0) {
				t.Errorf("%d notes stand for %q", open, left)
			}
			if len(noted) < 4 {
				t.Errorf("noted: %v", noted)
			}
		})
	}
}

// What cannot be noted is not made.
func TestProbeThatCannotBeNoted(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	s := mustDial(t, serverTarget(server))
	full := errors.New("the disk is full")
	s.Noting(func([]string) (func(), error) { return nil, full })
	if _, err := s.Probe(t.Context(), time.Now()); !errors.Is(err, full) {
		t.Errorf("probe: %v", err)
	}
	if n := server.Faults.Calls(sftptest.OpOpen); n > 0 {
		t.Errorf("%d files were opened", n)
	}
}
