package remote

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

func TestProbeOfOpenSSH(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustDial(t, sshdTarget(sshd))
	now := time.Date(2024, 5, 6, 7, 8, 9, 0, time.FixedZone("", 3600))
	got, err := s.Probe(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range extensionData {
		if got.Extensions[name] != data {
			t.Errorf("%s is announced with %q, want %q", name, got.Extensions[name], data)
		}
	}
	want := Capabilities{
		Version: ProbeVersion, Identity: s.Identity(), Banner: s.Banner(), Extensions: got.Extensions,
		Limits: Limits{Packet: 262144, Read: 261120, Write: 261120, Handles: got.Limits.Handles},
		Fsync:  true, Rename: true, RenameRefuses: true, PosixRename: true, SetTimes: true, Stat: true, StatVFS: true,
		Hash: hashCommands[0], Profile: "openssh", ProfileBy: byBanner, ProbedAt: now.UTC(),
	}
	if !reflect.DeepEqual(got, want) || got.Limits.Handles == 0 {
		t.Errorf("capabilities\n%+v, want\n%+v", got, want)
	}
	if !reflect.DeepEqual(s.Capabilities(), want) {
		t.Error("the session does not use what it has found")
	}
	if left := names(t, sshd.Dir); len(left) > 0 {
		t.Errorf("%q is left behind", left)
	}

	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var stored Capabilities
	if err := json.Unmarshal(text, &stored); err != nil || !reflect.DeepEqual(stored, want) {
		t.Errorf("stored and loaded: %+v, %v", stored, err)
	}
	again := mustDial(t, sshdTarget(sshd))
	if again.Identity() != s.Identity() {
		t.Error("another session at the same server has another identity")
	}
	again.Use(stored)
	mustUpload(t, again, again.target.Path("a"), []byte("a"))
	if _, command, err := again.Hash(t.Context(), again.target.Path("a"), 1); err != nil || command != want.Hash {
		t.Errorf("hash by %q, %v, want what was stored", command, err)
	}
}

func TestProbeOfServersThatLackSomething(t *testing.T) {
	t.Parallel()
	all := Capabilities{
		Version: ProbeVersion, Fsync: true, Rename: true, RenameRefuses: true, PosixRename: true, SetTimes: true, Stat: true, StatVFS: true,
	}
	without := func(change func(*Capabilities)) Capabilities { c := all; change(&c); return c }
	tests := map[string]struct {
		faults []sftptest.Fault
		want   Capabilities
	}{
		"nothing":                  {nil, all},
		"fsync":                    {[]sftptest.Fault{sftptest.NoFsync()}, without(func(c *Capabilities) { c.Fsync = false })},
		"fsync, announced":         {[]sftptest.Fault{sftptest.Refuse(sftptest.OpFsync, sftptest.Failure)}, without(func(c *Capabilities) { c.Fsync = false })},
		"posix-rename":             {[]sftptest.Fault{sftptest.NoPosixRename()}, without(func(c *Capabilities) { c.PosixRename = false })},
		"posix-rename, announced":  {[]sftptest.Fault{sftptest.RefusePosixRename()}, without(func(c *Capabilities) { c.PosixRename = false })},
		"refusing renames":         {[]sftptest.Fault{sftptest.OverwritingRename()}, without(func(c *Capabilities) { c.RenameRefuses = false })},
		"renames":                  {[]sftptest.Fault{sftptest.RefuseRename()}, without(func(c *Capabilities) { c.Rename, c.PosixRename = false, false })},
		"times":                    {[]sftptest.Fault{sftptest.RefuseSetstat()}, without(func(c *Capabilities) { c.SetTimes = false })},
		"times, the file with it":  {[]sftptest.Fault{sftptest.DiscardOnSetstat()}, without(func(c *Capabilities) { c.SetTimes = false })},
		"statvfs":                  {[]sftptest.Fault{sftptest.NoStatVFS()}, without(func(c *Capabilities) { c.StatVFS = false })},
		"statvfs, announced":       {[]sftptest.Fault{sftptest.Refuse(sftptest.OpStatVFS, sftptest.Failure)}, without(func(c *Capabilities) { c.StatVFS = false })},
		"more than one open file":  {[]sftptest.Fault{sftptest.OneOpenFile()}, without(func(c *Capabilities) { c.MaxOpen = 1 })},
		"more than two open files": {[]sftptest.Fault{sftptest.MaxOpenFiles(2)}, without(func(c *Capabilities) { c.MaxOpen = 2 })},
		"a look when it is closed": {[]sftptest.Fault{sftptest.RefuseStatAfterClose()}, without(func(c *Capabilities) { c.Stat = false })},
		"an open file, once":       {[]sftptest.Fault{sftptest.Refuse(sftptest.OpOpen, sftptest.PermissionDenied).Once()}, all},
		"fast acknowledgements":    {[]sftptest.Fault{sftptest.SlowAcks(5 * time.Millisecond)}, all},
		"overwriting posix-rename": {[]sftptest.Fault{sftptest.Refuse(sftptest.OpPosixRename, sftptest.Failure)}, without(func(c *Capabilities) { c.PosixRename = false })},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, sftptest.ServerOptions{}, test.faults...)
			s := mustDial(t, serverTarget(server))
			got, err := s.Probe(t.Context(), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			got.Identity, got.Banner, got.Extensions, got.ProbedAt = "", "", nil, time.Time{}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("capabilities\n%+v, want\n%+v", got, test.want)
			}
			if left := names(t, server.Dir); len(left) > 0 {
				t.Errorf("%q is left behind", left)
			}
		})
	}
}

func TestFailedProbeLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	full := sftptest.DiskFullAfter(10)
	tests := map[string]struct {
		fault sftptest.Fault
		kind  Kind
		part  string
	}{
		"may not create":       {sftptest.Refuse(sftptest.OpOpen, sftptest.PermissionDenied), Root, "ask the server's owner for write permission there"},
		"may not create two":   {sftptest.Refuse(sftptest.OpOpen, sftptest.PermissionDenied).Skip(1), Root, "ask the server's owner for write permission there"},
		"may not write":        {sftptest.Refuse(sftptest.OpWrite, sftptest.PermissionDenied), Root, "permission denied"},
		"a full disk":          {full, DiskFull, "make room at the server"},
		"a quota":              {sftptest.Refuse(sftptest.OpWrite, sftptest.Status(statusQuota)), DiskFull, "make room at the server"},
		"a refusal at the end": {sftptest.Refuse(sftptest.OpClose, sftptest.Failure), Refused, "which says no more"},
		"nobody knows":         {sftptest.Refuse(sftptest.OpOpen, sftptest.Failure).Skip(1), Refused, "which says no more"},
		"not a second time":    {sftptest.Refuse(sftptest.OpOpen, sftptest.Status(statusWriteProtect)).Skip(1), Root, "permission denied"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, sftptest.ServerOptions{}, test.fault)
			s := mustDial(t, serverTarget(server))
			_, err := s.Probe(t.Context(), time.Now())
			wantError(t, err, test.kind, test.part)
			if left := names(t, server.Dir); len(left) > 0 {
				t.Errorf("%q is left behind", left)
			}
			if !reflect.DeepEqual(s.Capabilities(), Capabilities{}) {
				t.Error("a failed probe is believed")
			}
		})
	}
}

func TestProbeThatIsGivenUpLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.Fault{Op: sftptest.OpRename, Do: cancel})
	s := mustDial(t, serverTarget(server))
	if _, err := s.Probe(ctx, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the context is cancelled", err)
	}
	if left := names(t, server.Dir); len(left) > 0 {
		t.Errorf("%q is left behind", left)
	}
}

func TestProbeOfALostConnectionIsNotBelieved(t *testing.T) {
	t.Parallel()
	for _, op := range []string{sftptest.OpWrite, sftptest.OpRename, sftptest.OpPosixRename, sftptest.OpSetstat, sftptest.OpStatVFS, sftptest.OpFsync} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.CutOn(op))
			s := mustDial(t, serverTarget(server))
			_, err := s.Probe(t.Context(), time.Now())
			wantError(t, err, Transient)
			wantDead(t, s)
		})
	}
	t.Run(sftptest.OpExec, func(t *testing.T) {
		t.Parallel()
		server := sftptest.StartServer(t, sftptest.ServerOptions{Exec: true}, sftptest.CutOn(sftptest.OpExec))
		s := mustDial(t, serverTarget(server))
		_, err := s.Probe(t.Context(), time.Now())
		wantError(t, err, Transient)
		wantDead(t, s)
	})
}

func TestExtensionsOfOtherVersionsAreNotUsed(t *testing.T) {
	t.Parallel()
	m := &mux{extensions: map[string]string{extFsync: "2", extStatVFS: "1", extPosixRename: "", extLimits: "1"}}
	var used []string
	for _, name := range []string{extFsync, extStatVFS, extPosixRename, extLimits, "copy-data"} {
		if m.has(name) {
			used = append(used, name)
		}
	}
	if !slices.Equal(used, []string{extLimits}) {
		t.Errorf("%q are used, want the one whose version is known", used)
	}
}
