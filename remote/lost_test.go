package remote

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

func TestSilenceDuringIdle(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	wire := sftptest.StartWire(t, server.Addr())
	for name, silence := range silences(wire) {
		s := mustDial(t, over(wire, serverTarget(server)))
		begun := time.Now()
		silence(true)
		err := within(t, name, begun, async(func() error { <-s.Done(); return s.Err() }))
		silence(false)
		if !strings.Contains(err.Error(), "nothing was received for "+stall.String()+" (stall_timeout)") {
			t.Errorf("%s: ended with %v", name, err)
		}
		_, err = s.Stat(t.Context(), "/")
		wantError(t, err, Transient, "stat acme:/: nothing was received for "+stall.String()+" (stall_timeout)")
	}
}

func TestKeepalivesKeepAnIdleSession(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	wire := sftptest.StartWire(t, sshd.Addr)
	target := over(wire, sshdTarget(sshd))
	target.Keepalive = time.Hour // too late: half of the stall timeout is the most
	s := mustDial(t, target)
	select {
	case <-s.Done():
		t.Fatalf("an idle session ended: %v", s.Err())
	case <-time.After(3 * stall):
	}
	if err := s.CheckRoot(t.Context()); err != nil {
		t.Error(err)
	}
	begun := time.Now()
	wire.Blackhole(true)
	_ = within(t, "silence", begun, async(func() error { <-s.Done(); return s.Err() }))
}

func silences(w *sftptest.Wire) map[string]func(bool) {
	return map[string]func(bool){"both ways": w.Blackhole, "up": w.BlackholeUp, "down": w.BlackholeDown}
}

func TestSilenceDuringUpload(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	wire := sftptest.StartWire(t, sshd.Addr)
	wire.SetRate(20 << 20)
	for name, silence := range silences(wire) {
		s := mustDial(t, over(wire, sshdTarget(sshd)))
		done := uploading(t, s, s.target.Path("a.part"), 5<<20)
		begun := time.Now()
		silence(true)
		err := within(t, name, begun, done)
		silence(false)
		wantError(t, err, Transient, "put acme:"+s.target.Path("a.part")+": ", "(stall_timeout)")
		wantDead(t, s)
	}
}

func TestSilenceDuringHash(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	wire := sftptest.StartWire(t, sshd.Addr)
	for name, silence := range silences(wire) {
		s := mustDial(t, over(wire, sshdTarget(sshd)))
		started := filepath.Join(t.TempDir(), "started")
		s.hash.use("touch '" + started + "'; sleep 100")
		var all []<-chan error
		for range 5 {
			all = append(all, async(func() error { _, _, err := s.Hash(t.Context(), "/a", 1); return err }))
		}
		eventually(t, "the command runs", func() bool { _, err := os.Stat(started); return err == nil })
		begun := time.Now()
		silence(true)
		for _, c := range all {
			wantError(t, within(t, name, begun, c), Transient, "hash acme:/a: nothing was received")
		}
		silence(false)
		wantDead(t, s)
	}
}

// A hash of a big file takes long and says nothing meanwhile. Keepalives are answered: it is let be.
func TestLongHashIsLetBe(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	target := sshdTarget(sshd)
	target.Keepalive, target.StallTimeout = stall/4, stall
	s := mustDial(t, target)
	digest := strings.Repeat("0", 64)
	s.hash.use("sleep 1.5; echo '" + digest + "  a'")
	if _, _, err := s.Hash(t.Context(), "/a", 1); err != nil {
		t.Errorf("hash: %v", err)
	}
}

func TestCutDuringUpload(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	wire := sftptest.StartWire(t, sshd.Addr)
	wire.SetRate(50 << 20)
	target := over(wire, sshdTarget(sshd))
	target.StallTimeout = patience
	s := mustDial(t, target)
	done := uploading(t, s, s.target.Path("a.part"), 3<<20)
	begun := time.Now()
	cut := wire.CutAfter(1 << 20)
	soon(t, "the cut", cut)
	wantError(t, within(t, "upload", begun, done), Transient, "put acme:"+s.target.Path("a.part")+": the ") // server closed it, or it was lost: a matter of the moment
	wantDead(t, s, "connection")
}

func TestServerKilledDuringUpload(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(*sftptest.SSHD){
		"sessions killed": (*sftptest.SSHD).KillSessions,
		"restarted":       (*sftptest.SSHD).Restart,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
			wire := sftptest.StartWire(t, sshd.Addr)
			wire.SetRate(20 << 20)
			target := over(wire, sshdTarget(sshd))
			target.StallTimeout = patience
			s := mustDial(t, target)
			done := uploading(t, s, s.target.Path("a.part"), 3<<20)
			ended := make(chan struct{})
			go func() { defer close(ended); kill(sshd) }()
			wantError(t, soon(t, "upload", done), Transient, "put acme:", "the ")
			wantDead(t, s)
			soon(t, "the end", ended)
			mustUpload(t, mustDial(t, target), target.Path("a.part"), []byte("again"))
		})
	}
}

// A server's sftp process can die while the connection stands: the session is as lost as with the connection.
func TestSFTPProcessThatDies(t *testing.T) {
	t.Parallel()
	note := filepath.Join(t.TempDir(), "pid")
	script := "echo $$ >" + note + "; exec " + sftpServer(t)
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{Config: []string{"Subsystem sftp /bin/sh " + write(t, script)}})
	s := mustDial(t, sshdTarget(sshd))
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, note)))
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	wantDead(t, s, "the server ended the SFTP session")
	_, err = s.Stat(t.Context(), "/")
	wantError(t, err, Transient, "stat acme:/: the server ended the SFTP session")
}

// sftpServer finds OpenSSH's program for the subsystem.
func sftpServer(t *testing.T) string {
	t.Helper()
	for _, dir := range []string{"/usr/lib/openssh", "/usr/libexec/openssh", "/usr/libexec", "/usr/lib/ssh", "/usr/lib"} {
		if _, err := os.Stat(filepath.Join(dir, "sftp-server")); err == nil {
			return filepath.Join(dir, "sftp-server")
		}
	}
	if os.Getenv(sftptest.RequireSSHD) == "1" {
		t.Fatal("OpenSSH's sftp-server is not installed")
	}
	t.Skip("OpenSSH's sftp-server is not installed")
	return ""
}

// sshd answers keepalives while its sftp-server hangs: only the requests' own clocks find out.
func TestFrozenSFTPServer(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{External: true})
	target := sshdTarget(sshd)
	target.Keepalive, target.StallTimeout = stall/4, stall
	t.Run("a request", func(t *testing.T) {
		s := mustDial(t, target)
		thaw := sshd.Freeze()
		defer thaw()
		begun := time.Now()
		err := within(t, "stat", begun, async(func() error { _, err := s.Stat(t.Context(), "/"); return err }))
		wantError(t, err, Transient, "stat acme:/: stat / was not answered within "+stall.String()+" (stall_timeout)")
		if took := time.Since(begun); took < stall {
			t.Errorf("it was given up after %v, want not before %v", took, stall)
		}
		wantDead(t, s)
	})
	t.Run("an upload", func(t *testing.T) {
		s := mustDial(t, target)
		done := uploading(t, s, target.Path("a.part"), 1<<20)
		thaw := sshd.Freeze()
		defer thaw()
		err := within(t, "upload", time.Now(), done)
		wantError(t, err, Transient, "no write was acknowledged for "+stall.String()+" (stall_timeout)")
		wantDead(t, s)
	})
	t.Run("many at once", func(t *testing.T) {
		s := mustDial(t, target)
		upload := uploading(t, s, target.Path("a.part"), 1<<20)
		thaw := sshd.Freeze()
		defer thaw()
		begun := time.Now()
		all := []<-chan error{upload}
		for range 20 {
			all = append(all,
				async(func() error { return s.Remove(t.Context(), "/none") }),
				async(func() error { _, err := s.Stat(t.Context(), "/"); return err }),
				async(func() error { return s.Publish(t.Context(), "/none", "/none2", false) }),
				async(func() error { _, err := s.ReadBack(t.Context(), "/etc/passwd"); return err }))
		}
		for _, c := range all {
			wantError(t, within(t, "a request", begun, c), Transient, "(stall_timeout)")
		}
	})
}

// A slow line is no dead one: acknowledgements come, however late, and requests wait behind what is in flight.
func TestSlowUploadIsLetBe(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	wire := sftptest.StartWire(t, sshd.Addr)
	target := over(wire, sshdTarget(sshd))
	s := mustDial(t, target)
	wire.SetRate(1 << 20) // 250 ms for each WRITE, and seconds for what is in flight
	content := random(5 << 20)
	reached := make(chan struct{})
	told := false
	done := async(func() error {
		_, err := s.Upload(t.Context(), Upload{Temp: s.target.Path("a.part"), Size: int64(len(content)), Progress: func(sent int64) {
			if sent > 3<<20 && !told {
				told = true
				close(reached)
			}
		}}, strings.NewReader(string(content)))
		return err
	})
	soon(t, "progress", reached)
	if _, err := s.Stat(t.Context(), s.target.Path("a.part")); err != nil { // behind all of it
		t.Errorf("stat: %v", err)
	}
	if err := soon(t, "upload", done); err != nil {
		t.Fatal(err)
	}
	holds(t, content, sshd.Dir, "a.part")
}

// A trickle is found like a silence, and a line above the floor is let be.
func TestTrickle(t *testing.T) {
	t.Parallel()
	content := random(16 * safeWrite)
	for name, row := range map[string]struct {
		rate  float64 // of the floor
		lives bool
	}{"below the floor": {0.2, false}, "above it": {4, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, sftptest.ServerOptions{}) // WRITEs are as small as the floor
			wire := sftptest.StartWire(t, server.Addr())
			s := mustDial(t, over(wire, serverTarget(server)))
			wire.SetRate(int(row.rate * floor / stall.Seconds()))
			begun := time.Now()
			done := async(func() error { return upload(t, s, "/a.part", content) })
			if row.lives {
				if err := soon(t, "upload", done); err != nil {
					t.Error(err)
				}
				if took := time.Since(begun); took < 2*stall {
					t.Errorf("it took %v: the line was not slow", took)
				}
				holds(t, content, server.Dir, "a.part")
				return
			}
			wantError(t, within(t, "upload", begun, done), Transient, "(stall_timeout)")
			wantDead(t, s)
		})
	}
}

func TestSlowAcknowledgementsAreLetBe(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.SlowAcks(stall/7))
	target := serverTarget(server)
	target.Keepalive, target.StallTimeout = stall/4, stall
	s := mustDial(t, target)
	content := random(20 * safeWrite) // the last of them waits for all before
	mustUpload(t, s, "/a.part", content)
	holds(t, content, server.Dir, "a.part")
}

// A server that hangs while small files are synced, closed or hashed is found as soon as any other: they take no longer.
func TestServerThatHangsOverSmallFiles(t *testing.T) {
	t.Parallel()
	for _, op := range []string{sftptest.OpClose, sftptest.OpFsync, sftptest.OpCheckFile} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			server, first := hostile(t, noEmpty(nil))
			target := serverTarget(server)
			target.Keepalive, target.StallTimeout = stall/4, stall
			s := mustDial(t, target)
			hashes(s)
			s.Use(first.Capabilities())
			content := random(1000)
			sum := sha256.Sum256(content)
			mustUpload(t, s, "/there", content)
			server.Faults.Add(sftptest.HangOn(op))
			all := []<-chan error{}
			for n := range 10 {
				all = append(all, async(func() error {
					if op == sftptest.OpCheckFile {
						_, _, err := s.Verify(t.Context(), "/there", int64(len(content)), sum[:], Auto)
						return err
					}
					return upload(t, s, fmt.Sprintf("/%d.part", n), content)
				}))
			}
			eventually(t, "it hangs", func() bool { return server.Faults.Hits() > 0 })
			begun := time.Now()
			all = append(all, async(func() error { _, err := s.Stat(t.Context(), "/"); return err }))
			for _, c := range all {
				wantError(t, within(t, "a request", begun, c), Transient, "was not answered within "+stall.String())
			}
			wantDead(t, s)
		})
	}
}

// A server that works in order answers nothing while it syncs a large file.
func TestRequestsWaitForASlowSync(t *testing.T) {
	t.Parallel()
	server, first := hostile(t, sftptest.ServerOptions{}, sftptest.Fault{Op: sftptest.OpFsync, Delay: stall + time.Second})
	target := serverTarget(server)
	target.Keepalive, target.StallTimeout = stall/4, stall
	s := mustDial(t, target)
	s.Use(first.Capabilities())
	done := async(func() error { return upload(t, s, "/a.part", random(3<<20)) })
	eventually(t, "the sync begins", func() bool { return server.Faults.Hits() > 0 })
	if _, err := s.Stat(t.Context(), "/"); err != nil {
		t.Errorf("a request meanwhile: %v", err)
	}
	if err := soon(t, "upload", done); err != nil {
		t.Errorf("upload: %v", err)
	}
}

func TestCloseWhileCallsAreUnderWay(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{}, sftptest.HangOn(sftptest.OpStat), sftptest.HangOn(sftptest.OpLstat))
	all := []<-chan error{
		async(func() error { _, err := s.Stat(t.Context(), "/"); return err }),
		async(func() error { return s.CheckRoot(t.Context()) }),
	}
	eventually(t, "the requests hang", func() bool { return server.Faults.Hits() > 0 })
	all = append(all,
		async(func() error { return s.Remove(t.Context(), "/a") }),
		async(func() error { return upload(t, s, "/a.part", random(100_000)) }),
		async(func() error { return s.Read(t.Context(), "/a", io.Discard) }))
	closed := async(func() error { s.Close(); return nil })
	for _, c := range all {
		wantError(t, soon(t, "a call", c), Transient, "session closed")
	}
	_ = soon(t, "Close", closed)
	s.Close() // once more does nothing
	if err := s.Err(); err == nil || err.Error() != "session closed" {
		t.Errorf("the session ended with %v", err)
	}
}

// A server with parallel workers may lose one request and answer all others: that one has an end too.
func TestRequestThatIsLostAmongOthers(t *testing.T) {
	t.Parallel()
	_, s := hostile(t, sftptest.ServerOptions{})
	w := s.watch(&watch{quiet: patience, most: stall, hung: func() error { return errors.New("this one was lost") }})
	defer w.stop()
	for begun := time.Now(); ; {
		if _, err := s.Stat(t.Context(), "/"); err != nil {
			wantError(t, err, Transient, "this one was lost")
			break
		}
		if took := time.Since(begun); took > stall+found {
			t.Fatalf("it is still waited for after %v", took)
		}
	}
	wantDead(t, s)
}

// TestWhatEndsOtherwiseIsNotBlamedOnARequest has a session end before a request of its hangs: it is not learned that it does.
func TestWhatEndsOtherwiseIsNotBlamedOnARequest(t *testing.T) {
	t.Parallel()
	_, s := hostile(t, sftptest.ServerOptions{})
	other := errors.New("another reason")
	s.kill(other)
	blamed := make(chan struct{}, 1)
	w := s.watch(&watch{quiet: time.Millisecond, most: time.Millisecond, hung: func() error { blamed <- struct{}{}; return errors.New("it hangs") }})
	defer w.stop()
	select {
	case <-blamed:
		t.Error("the request is blamed")
	case <-time.After(100 * time.Millisecond):
	}
	if !errors.Is(s.Err(), other) {
		t.Errorf("it ended with %v", s.Err())
	}
}
