package remote

import (
	"crypto/sha256"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// probed starts a server with faults and a session that has probed it with them.
func probed(t *testing.T, o sftptest.ServerOptions, faults ...sftptest.Fault) (*sftptest.TestServer, *Session) {
	t.Helper()
	server := sftptest.StartServer(t, o, faults...)
	return server, mustProbe(t, serverTarget(server))
}

// Where a server tells nothing of a file that is closed, what it told before the close counts.
func TestSizeBeforeTheClose(t *testing.T) {
	t.Parallel()
	content := random(100_000)
	for name, test := range map[string]struct {
		options sftptest.ServerOptions
		faults  []sftptest.Fault
		want    map[Demand]Evidence // a kind of none is a refusal
	}{
		"stat refused after the close": {
			sftptest.ServerOptions{},
			[]sftptest.Fault{sftptest.RefuseStatAfterClose()},
			map[Demand]Evidence{
				Auto: {SizeOnly, SizeBeforeClose}, Size: {SizeOnly, SizeBeforeClose}, Content: {Kind: ReadBack},
			},
		},
		"lstat unsupported": {
			sftptest.ServerOptions{},
			[]sftptest.Fault{sftptest.Refuse(sftptest.OpLstat, sftptest.Unsupported)},
			map[Demand]Evidence{Auto: {SizeOnly, SizeBeforeClose}, Size: {SizeOnly, SizeBeforeClose}, Content: {Kind: ReadBack}},
		},
		"nothing but writes": {
			sftptest.ServerOptions{},
			[]sftptest.Fault{sftptest.Refuse(sftptest.OpLstat+","+sftptest.OpStat+","+sftptest.OpRead, sftptest.PermissionDenied)},
			map[Demand]Evidence{Auto: {}, Content: {}, Size: {}},
		},
		"a hash proves it": {
			noEmpty(nil),
			[]sftptest.Fault{sftptest.RefuseStatAfterClose()},
			map[Demand]Evidence{Auto: {Kind: CheckFile}, Content: {Kind: CheckFile}, Size: {SizeOnly, SizeBeforeClose}},
		},
		"a hash proves it alone": {
			noEmpty(nil),
			[]sftptest.Fault{sftptest.Refuse(sftptest.OpLstat+","+sftptest.OpStat, sftptest.Failure)},
			map[Demand]Evidence{Auto: {Kind: CheckFile}, Content: {Kind: CheckFile}, Size: {}},
		},
		"never": {
			sftptest.ServerOptions{},
			[]sftptest.Fault{sftptest.Refuse(sftptest.OpLstat+","+sftptest.OpStat, sftptest.PermissionDenied)},
			map[Demand]Evidence{Auto: {}, Content: {Kind: ReadBack}, Size: {}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, s := probed(t, test.options, test.faults...)
			if s.Capabilities().Stat {
				t.Error("the probe finds that it can look")
			}
			mustUpload(t, s, "/a.part", content)
			sum := sha256.Sum256(content)
			for demand, want := range test.want {
				info, got, err := s.Verify(t.Context(), "/a.part", int64(len(content)), sum[:], demand)
				if want == (Evidence{}) {
					wantError(t, err, KindOf(err), "acme:/a.part")
					if !refusal(err) {
						t.Errorf("%s: %v", demand, err)
					}
					continue
				}
				if err != nil || got != want || info.Size != int64(len(content)) {
					t.Errorf("%s: %+v of %d bytes, %v, want %+v", demand, got, info.Size, err, want)
				}
			}
		})
	}
}

// The size before the close is that of this upload, and of no other.
func TestSizeBeforeTheCloseIsCompared(t *testing.T) {
	t.Parallel()
	server, s := probed(t, sftptest.ServerOptions{}, sftptest.RefuseStatAfterClose())
	content := random(10 * safeWrite)
	sum := sha256.Sum256(content)
	check := func() error {
		_, _, err := s.Verify(t.Context(), "/a.part", int64(len(content)), sum[:], Auto)
		return err
	}
	server.Faults.Add(sftptest.Lose("a.part", 0))
	mustUpload(t, s, "/a.part", content)
	wantError(t, check(), Integrity, "the server has 0 bytes of 327680")
	server.Faults.Clear()
	server.Faults.Add(sftptest.RefuseStatAfterClose())
	mustUpload(t, s, "/a.part", content)
	if err := check(); err != nil {
		t.Error(err)
	}
	if err := s.Remove(t.Context(), "/a.part"); err != nil {
		t.Fatal(err)
	}
	server.Faults.Add(sftptest.Refuse(sftptest.OpLstat, sftptest.PermissionDenied))
	wantError(t, check(), Permission, "stat acme:/a.part: permission denied")
	mustUpload(t, s, "/a.part", content)
	server.Faults.Add(sftptest.Refuse(sftptest.OpWrite, sftptest.Failure))
	wantError(t, upload(t, s, "/a.part", content), Refused)
	wantError(t, check(), Permission) // the earlier upload's size is not this one's
}

// Reading back needs no size from the server, and finds a file that is too long or too short.
func TestReadBackWithoutASize(t *testing.T) {
	t.Parallel()
	server, s := probed(t, sftptest.ServerOptions{}, sftptest.RefuseStatAfterClose())
	content := random(3*safeWrite + 5)
	for wrong, size := range map[string]int{"": 0, "the file goes on after its size": len(content) - 1, "the file ends before its size": len(content) + 1} {
		mustUpload(t, s, "/a.part", content)
		s.told.Delete("/a.part")
		if wrong == "" {
			if got := verify(t, s, "/a.part", content, Content); got.Kind != ReadBack {
				t.Errorf("evidence %+v", got)
			}
			continue
		}
		sum := sha256.Sum256(content)
		_, _, err := s.Verify(t.Context(), "/a.part", int64(size), sum[:], Content)
		wantError(t, err, Integrity, "read acme:/a.part: "+wrong)
	}
	if server.Faults.Calls(sftptest.OpRead) == 0 {
		t.Error("nothing was read")
	}
}

// A server may begin to refuse: the first upload is lost to that, the next ask in time.
func TestStatThatIsRefusedOneDay(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{})
	stats := server.Faults.Calls(sftptest.OpStat)
	mustUpload(t, s, "/a.part", []byte("a"))
	verify(t, s, "/a.part", []byte("a"), Auto)
	if n := server.Faults.Calls(sftptest.OpStat) - stats; n != 0 {
		t.Errorf("%d FSTATs at a server that lets look", n)
	}
	server.Faults.Add(sftptest.RefuseStatAfterClose())
	mustUpload(t, s, "/a.part", []byte("a"))
	sum := sha256.Sum256([]byte("a"))
	_, _, err := s.Verify(t.Context(), "/a.part", 1, sum[:], Auto)
	wantError(t, err, Permission, "stat acme:/a.part: permission denied")
	mustUpload(t, s, "/a.part", []byte("a"))
	if got, want := verify(t, s, "/a.part", []byte("a"), Auto), (Evidence{SizeOnly, SizeBeforeClose}); got != want {
		t.Errorf("evidence %+v, want %+v", got, want)
	}
	if learned, changed := (Capabilities{Version: ProbeVersion, Stat: true}).Learn(s.Capabilities()); !changed || learned.Stat {
		t.Errorf("learned %+v", learned)
	}
}

// A temp that is gone was not asked for by anybody.
func TestMissingAfterTheCloseIsAnError(t *testing.T) {
	t.Parallel()
	server, s := probed(t, sftptest.ServerOptions{}, sftptest.RefuseStatAfterClose())
	mustUpload(t, s, "/a.part", []byte("a"))
	server.Faults.Clear()
	server.Faults.Add(sftptest.Refuse(sftptest.OpLstat, sftptest.NoSuchFile))
	sum := sha256.Sum256([]byte("a"))
	for _, demand := range []Demand{Auto, Content, Size} {
		_, _, err := s.Verify(t.Context(), "/a.part", 1, sum[:], demand)
		wantError(t, err, Missing, "stat acme:/a.part: no such file or directory")
	}
}
