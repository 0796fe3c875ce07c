package remote

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// marks uploads content with a checkpoint at every size bytes and returns the checkpoints; stop ends the upload at the
// stop-th of them.
func marks(t *testing.T, s *Session, temp string, content []byte, size int64, stop int) []Mark {
	t.Helper()
	enough := errors.New("enough")
	var all []Mark
	_, err := s.Upload(t.Context(), Upload{
		Temp: temp, Size: int64(len(content)), CheckpointBytes: size,
		Save: func(m Mark) error {
			all = append(all, m)
			if len(all) == stop {
				return enough
			}
			return nil
		},
	}, bytes.NewReader(content))
	if stop > 0 && !errors.Is(err, enough) || stop == 0 && err != nil {
		t.Fatalf("upload with checkpoints: %v", err)
	}
	return all
}

func TestCheckpointsComeAtTheirSizeAndNotAtTheEnd(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustProbe(t, sshdTarget(sshd))
	for size, want := range map[int]int{0: 0, 1 << 20: 0, 2 << 20: 1, 5 << 20: 4} {
		content := random(size)
		got := marks(t, s, s.target.Path("f.part"), content, 1<<20, 0)
		if len(got) != want {
			t.Errorf("%d bytes: %d checkpoints, want %d", size, len(got), want)
		}
		for i, m := range got {
			// A stretch is made of whole packets: it ends with the one that reaches the size.
			if from := got[max(i-1, 0)].Offset * int64(min(i, 1)); m.Offset-from < 1<<20 || m.Offset-from > 1<<20+maxWrite {
				t.Errorf("%d bytes: checkpoint %d at %d", size, i, m.Offset)
			}
		}
		holds(t, content, sshd.Dir, "f.part")
	}
}

func TestCheckpointsComeInTimeOnASlowWire(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	wire := sftptest.StartWire(t, sshd.Addr)
	target := sshdTarget(sshd)
	target.Host, target.Port = wire.Host(), wire.Port()
	s := mustProbe(t, target)
	wire.SetRate(2 << 20)
	content := random(3 << 20)
	count := 0
	_, err := s.Upload(t.Context(), Upload{
		Temp: s.target.Path("f.part"), Size: int64(len(content)), CheckpointEvery: 200 * time.Millisecond,
		Save: func(Mark) error { count++; return nil },
	}, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if count == 0 {
		t.Error("no checkpoint in 1.5 seconds")
	}
	holds(t, content, sshd.Dir, "f.part")
}

// TestResume goes on from a mark, whatever the server's file looks like by then, and gets the right hash each time. The mark
// is taken back where it begins anew.
func TestResume(t *testing.T) {
	t.Parallel()
	const size, mark = 6<<20 + 5, 4 << 20
	content := random(size)
	worlds := map[string]func(t *testing.T, name string){
		"as it was left":           func(*testing.T, string) {},
		"longer than acknowledged": func(t *testing.T, name string) { appendTo(t, name, random(1<<20+1)) },
		"shorter than the mark":    func(t *testing.T, name string) { must(t, os.Truncate(name, mark-1)) },
		"gone":                     func(t *testing.T, name string) { must(t, os.Remove(name)) },
	}
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	first := mustProbe(t, sshdTarget(sshd))
	second := mustProbe(t, sshdTarget(sshd))
	for world, change := range worlds {
		t.Run(world, func(t *testing.T) {
			name := fmt.Sprintf("%x.part", world)
			temp := first.target.Path(name)
			all := marks(t, first, temp, content, mark/2, 2)
			change(t, filepath.Join(sshd.Dir, name))
			var began int64 = -1
			back := false
			sum, err := second.Upload(t.Context(), Upload{
				Temp: temp, Size: size, From: all[1], Save: func(m Mark) error { back = back || m.Offset == 0 && began < 0; return nil },
				Progress: func(sent int64) {
					if began < 0 {
						began = sent
					}
				},
			}, bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			if want := sha256.Sum256(content); !bytes.Equal(sum, want[:]) {
				t.Errorf("hash %x, want %x", sum, want)
			}
			holds(t, content, sshd.Dir, name)
			anew := world == "shorter than the mark" || world == "gone"
			if goesOn := began > mark; goesOn == anew || back != anew {
				t.Errorf("the first bytes sent end at %d, with a mark at %d", began, mark)
			}
		})
	}
}

// TestATempLongerThanTheWhole has got bytes that were never sent. It is not cut off: a server that hangs would do that when
// another session has published it.
func TestATempLongerThanTheWhole(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{})
	content := random(300_000)
	all := marks(t, s, "/f.part", content, 100_000, 1)
	longer := append(bytes.Clone(content), 1)
	must(t, os.WriteFile(filepath.Join(server.Dir, "f.part"), longer, 0o600))
	_, err := s.Upload(t.Context(), Upload{Temp: "/f.part", Size: int64(len(content)), From: all[0]}, bytes.NewReader(content))
	wantError(t, err, Integrity, "the server has 300001 bytes of a file of 300000")
	holds(t, longer, server.Dir, "f.part")
}

// TestNothingIsCutOffInAResume asks for nothing that could hurt a file that was published meanwhile.
func TestNothingIsCutOffInAResume(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{})
	content := random(600_000)
	all := marks(t, s, "/f.part", content, 100_000, 1)
	must(t, os.WriteFile(filepath.Join(server.Dir, "f.part"), content, 0o600)) // what was sent ahead has arrived
	before := server.Faults.Calls(sftptest.OpSetstat)
	if _, err := s.Upload(t.Context(), Upload{Temp: "/f.part", Size: int64(len(content)), From: all[0]}, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	if n := server.Faults.Calls(sftptest.OpSetstat) - before; n != 0 {
		t.Errorf("%d changes of attributes", n)
	}
	holds(t, content, server.Dir, "f.part")
}

func TestResumeFromADamagedMarkBeginsAnew(t *testing.T) {
	t.Parallel()
	_, s := hostile(t, sftptest.ServerOptions{})
	content := random(300_000)
	all := marks(t, s, "/f.part", content, 100_000, 1)
	for name, m := range map[string]Mark{
		"hash": {Offset: all[0].Offset, Hash: []byte("nonsense")}, "offset": {Offset: 1 << 40, Hash: all[0].Hash},
	} {
		sum, err := s.Upload(t.Context(), Upload{Temp: "/f.part", Size: int64(len(content)), From: m}, bytes.NewReader(content))
		if want := sha256.Sum256(content); err != nil || !bytes.Equal(sum, want[:]) {
			t.Errorf("%s: hash %x (%v), want %x", name, sum, err, want)
		}
	}
}

func appendTo(t *testing.T, name string, more []byte) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = f.Write(more)
	must(t, errors.Join(err, f.Close()))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestMoreIsSentDuringACheckpoint saves a mark only when something behind it was sent.
func TestMoreIsSentDuringACheckpoint(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustProbe(t, sshdTarget(sshd))
	content := random(3 << 20)
	further := make(chan struct{})
	beyond := sync.OnceFunc(func() { close(further) })
	_, err := s.Upload(t.Context(), Upload{
		Temp: s.target.Path("f.part"), Size: int64(len(content)), CheckpointBytes: 1 << 20,
		Progress: func(sent int64) {
			if sent > 1<<20+maxWrite {
				beyond()
			}
		},
		Save: func(Mark) error {
			select {
			case <-further:
				return nil
			case <-time.After(time.Minute):
				return errors.New("nothing more was sent")
			}
		},
	}, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	holds(t, content, sshd.Dir, "f.part")
}

// TestAMarkWaitsForAllBelowIt has the server answer on every channel but one, on which something below the mark waits.
func TestAMarkWaitsForAllBelowIt(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	wire := sftptest.StartWire(t, server.Addr())
	wire.SetDelay(20 * time.Millisecond)
	target := serverTarget(server)
	target.Host, target.Port = wire.Host(), wire.Port()
	s := mustProbe(t, target)
	s.note(func(c *Capabilities) { c.Stripes = stripesWork })
	const size, every, sent = 12 << 20, 4 << 20, 4<<20 + 1<<19
	content := random(size)
	err := upload(t, s, "/first.part", content)
	eventually(t, "there are several channels", func() bool { return err != nil || s.countLanes() > 1 })
	for _, l := range append([]*lane{&s.lane}, s.lanes.beside...) { // whatever a busy machine has measured, the line carries more
		l.room.pace.past[0], l.room.pace.had = 1<<30, pastMeasures+1
	}
	var saved, early atomic.Int32
	early.Store(-1)
	further := make(chan struct{})
	beyond := sync.OnceFunc(func() { close(further) })
	server.Faults.Add(sftptest.Fault{Op: sftptest.OpWrite, Path: "f.part", Times: 1, Late: true, Do: func() {
		select {
		case <-further:
			early.Store(saved.Load())
		case <-time.After(patience * 3 / 4): // not enough was sent over the other channels
		}
	}})
	_, err = s.Upload(t.Context(), Upload{
		Temp: s.target.Path("f.part"), Size: size, CheckpointBytes: every,
		Progress: func(n int64) {
			if n > sent {
				beyond()
			}
		},
		Save: func(m Mark) error {
			saved.Add(1)
			return nil
		},
	}, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if early.Load() != 0 || saved.Load() < 2 {
		t.Errorf("%d marks before all below was acknowledged, %d in all", early.Load(), saved.Load())
	}
}

// TestASyncThatFailsEndsTheUpload has a checkpoint fail while the rest is sent: nothing is saved, and the error tells.
func TestASyncThatFailsEndsTheUpload(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	s := mustProbe(t, serverTarget(server))
	server.Faults.Add(sftptest.Refuse(sftptest.OpFsync, sftptest.PermissionDenied).Once())
	content := random(3 << 20)
	saved := 0
	_, err := s.Upload(t.Context(), Upload{
		Temp: s.target.Path("f.part"), Size: int64(len(content)), CheckpointBytes: 1 << 20,
		Save: func(Mark) error { saved++; return nil },
	}, bytes.NewReader(content))
	wantError(t, err, Permission, "sync")
	if saved != 0 {
		t.Errorf("%d marks were saved", saved)
	}
}
