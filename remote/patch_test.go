package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// patchCase is an old file and a new one, which has a part of its own at its beginning, one in the middle and one at its end.
type patchCase struct {
	old, content []byte
	patch        Patch
	parts        []Part
	literal      int64
}

func newPatchCase(temp string) *patchCase {
	const n = 300 << 10
	c := &patchCase{old: random(4 * n)}
	add := func(b []byte, from int64) {
		c.parts = append(c.parts, Part{int64(len(c.content)), int64(len(b)), from})
		c.content = append(c.content, b...)
		if from < 0 {
			c.literal += int64(len(b))
		}
	}
	add(random(5), -1)
	add(c.old[2*n:3*n], 2*n)
	add(random(200<<10), -1)
	for at := int64(0); at < n; at += n / 60 { // as a file with many small changes has
		add(c.old[at:at+n/60], at)
	}
	add(random(7), -1)
	c.patch.Old, c.patch.OldSize, c.patch.Temp, c.patch.Size = "/old", int64(len(c.old)), temp, int64(len(c.content))
	c.patch.ModTime = time.Unix(1700000000, 0)
	return c
}

// in puts the old file into the directory that a server serves, which is /dir of it.
func (c *patchCase) in(t *testing.T, local string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(local, "old"), c.old, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (c *patchCase) make(ctx context.Context, s *Session) (int64, error) {
	patch := c.patch
	patch.Parts = PartsOf(c.parts...)
	return s.Patch(ctx, patch, bytes.NewReader(c.content))
}

// TestPatch puts a file together at a real server: what is sent is what is new. The server has to prove it.
func TestPatch(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	wire := sftptest.StartWire(t, sshd.Addr)
	target := sshdTarget(sshd)
	target.Host, target.Port = wire.Host(), wire.Port()
	s := mustProbe(t, target)
	if can := s.Capabilities(); !can.Copies() {
		t.Skip("the installed OpenSSH has no copy-data: it has to be 9.0 or later")
	}
	c := newPatchCase(sshd.Dir + "/new/.a.part")
	c.patch.Old = sshd.Dir + "/old"
	c.in(t, sshd.Dir)
	last := int64(-1)
	c.patch.Progress = func(done int64) {
		if done < last {
			t.Errorf("progress goes back from %d to %d", last, done)
		}
		last = done
	}
	before, _, _ := wire.Stats()
	written, err := c.make(t.Context(), s)
	after, _, _ := wire.Stats()
	if err != nil || written != c.literal || last != c.patch.Size {
		t.Fatalf("%d bytes written of %d, %d told of %d: %v", written, c.literal, last, c.patch.Size, err)
	}
	if sent := after - before; sent > c.literal+30<<10 {
		t.Errorf("%d bytes were sent for %d new ones of %d", sent, c.literal, c.patch.Size)
	}
	holds(t, c.content, sshd.Dir, "new", ".a.part")
	sum := sha256.Sum256(c.content)
	info, evidence, err := s.Verify(t.Context(), c.patch.Temp, c.patch.Size, sum[:], Proof)
	if err != nil || evidence.Kind == SizeOnly || !info.ModTime.Equal(c.patch.ModTime) {
		t.Errorf("%+v, %+v, %v", info, evidence, err)
	}
	sum[0]++
	_, _, err = s.Verify(t.Context(), c.patch.Temp, c.patch.Size, sum[:], Proof)
	wantError(t, err, Integrity)
	large := Patch{Old: c.patch.Old, OldSize: c.patch.OldSize, Temp: c.patch.Temp + "2", Size: 96 << 20}
	var parts []Part
	for at := int64(0); at < large.Size; at += c.patch.OldSize { // on a channel of its own
		parts = append(parts, Part{at, min(c.patch.OldSize, large.Size-at), 0})
	}
	large.Parts = PartsOf(parts...)
	if _, err := s.Patch(t.Context(), large, nil); err != nil {
		t.Error(err)
	}
	whole := slices.Repeat([][]byte{c.old}, len(parts))
	holds(t, slices.Concat(whole...)[:large.Size], sshd.Dir, "new", ".a.part2")
}

// TestPatchForeseesItsProof has the channel of the hash command opened while the files are closed, where commands hash.
func TestPatchForeseesItsProof(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	wire := sftptest.StartWire(t, sshd.Addr)
	wire.SetDelay(spareFrom)
	target := sshdTarget(sshd)
	target.Host, target.Port = wire.Host(), wire.Port()
	can := mustProbe(t, target).Capabilities()
	if !can.Copies() {
		t.Skip("the installed OpenSSH has no copy-data: it has to be 9.0 or later")
	}
	c := newPatchCase(sshd.Dir + "/new/.a.part")
	c.patch.Old = sshd.Dir + "/old"
	c.in(t, sshd.Dir)
	sum := sha256.Sum256(c.content)
	for _, hashes := range []bool{false, true} {
		s := mustDial(t, target)
		s.Use(can)
		if !hashes {
			s.hash.use("")
		}
		c.patch.Temp += "x"
		if _, err := c.make(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		s.spare.mu.Lock()
		if ahead := s.spare.opening != nil || s.spare.channel != nil; ahead != hashes {
			t.Errorf("hashes %v: a channel is opened: %v", hashes, ahead)
		}
		s.spare.mu.Unlock()
		if _, evidence, err := s.Verify(t.Context(), c.patch.Temp, c.patch.Size, sum[:], Content); err != nil || (evidence.Kind == RemoteHash) != hashes {
			t.Errorf("hashes %v: %+v, %v", hashes, evidence, err)
		}
	}
}

// TestPatchAtAHostileServer gets the right file, or an error. That a server copies something else it never says: the hash does.
func TestPatchAtAHostileServer(t *testing.T) {
	t.Parallel()
	copies := sftptest.ServerOptions{Copies: true, Exec: true, Limits: &sftptest.Limits{Packet: 262144, Write: 261120}}
	const right, wrong = Kind("right"), Kind("wrong, and shown so")
	for _, row := range []struct {
		name    string
		options sftptest.ServerOptions
		fault   sftptest.Fault
		change  func(c *patchCase, dir string)
		want    Kind
		more    int64 // bytes that are written besides what is new
	}{
		{"as it should be", copies, sftptest.Fault{Op: "none"}, nil, right, 0},
		{"no copy-data", sftptest.ServerOptions{}, sftptest.Fault{Op: "none"}, nil, Unsupported, 0},
		{"copies are not supported after all", copies, sftptest.Refuse(sftptest.OpCopy, sftptest.Unsupported), nil, Unsupported, 0},
		{"one is refused", copies, sftptest.Refuse(sftptest.OpCopy, sftptest.Failure).Skip(1).Once(), nil, right, 5 << 10},
		{"all are refused", copies, sftptest.Refuse(sftptest.OpCopy, sftptest.Failure), nil, Refused, 0},
		{"a short one in the middle", copies, sftptest.ShortCopies(1).Skip(7), nil, wrong, 0},
		{"a wrong one of fifty", copies, sftptest.WrongCopies(1).Skip(50), nil, wrong, 0},
		{"the old file is gone", copies, sftptest.Fault{Op: "none"}, func(c *patchCase, _ string) { c.patch.Old = "/none" }, Missing, 0},
		{"the old file has another size", copies, sftptest.Fault{Op: "none"}, func(c *patchCase, _ string) { c.patch.OldSize++ }, Refused, 0},
		{"one open file", copies, sftptest.OneOpenFile(), nil, Permission, 0},
		{"a refused write", copies, sftptest.Refuse(sftptest.OpWrite, sftptest.PermissionDenied).Once(), nil, Permission, 0},
		{"a full disk", copies, sftptest.DiskFullAfter(100 << 10), nil, DiskFull, 0},
		{"no fsync", copies, sftptest.NoFsync(), nil, right, 0},
		{"a write that is lost", copies, sftptest.Lose("*.part", 1).Skip(2), nil, wrong, 0},
		{"a short one at the end", copies, sftptest.ShortCopies(0), func(c *patchCase, _ string) {
			last := c.parts[len(c.parts)-1].Length
			c.parts, c.content = c.parts[:len(c.parts)-1], c.content[:int64(len(c.content))-last]
			c.patch.Size -= last
		}, Integrity, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server, s := hostile(t, row.options)
			c := newPatchCase("/.a.part")
			c.in(t, server.Dir)
			if row.change != nil {
				row.change(c, server.Dir)
			}
			server.Faults.Add(row.fault)
			synced := server.Faults.Calls(sftptest.OpFsync)
			written, err := c.make(t.Context(), s)
			if row.want != right && row.want != wrong {
				wantError(t, err, row.want)
				return
			}
			if err != nil || written != c.literal+row.more {
				t.Fatalf("%d bytes written, want %d: %v", written, c.literal+row.more, err)
			}
			got, err := os.ReadFile(filepath.Join(server.Dir, ".a.part"))
			if err != nil || bytes.Equal(got, c.content) != (row.want == right) {
				t.Errorf("the file is right: %v, %v", bytes.Equal(got, c.content), err)
			}
			sum := sha256.Sum256(c.content)
			if _, _, err := s.Verify(t.Context(), c.patch.Temp, c.patch.Size, sum[:], Content); row.want == wrong {
				wantError(t, err, Integrity)
			} else if err != nil {
				t.Error(err)
			}
			if n := server.Faults.Calls(sftptest.OpFsync) - synced; n != 1 && row.name != "no fsync" {
				t.Errorf("what was made is synced %d times", n)
			}
		})
	}
}

// TestPatchOfAFileThatChanges has the old file changed at each moment: by its size or by its time, that is seen.
func TestPatchOfAFileThatChanges(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{Copies: true, Exec: true})
	c := newPatchCase("/.a.part")
	old := filepath.Join(server.Dir, "old")
	for _, by := range [][]byte{[]byte("somebody's"), random(len(c.old))} {
		for n := range 8 {
			c.in(t, server.Dir)
			earlier := time.Now().Add(-time.Hour)
			if err := os.Chtimes(old, earlier, earlier); err != nil {
				t.Fatal(err)
			}
			server.Faults.Set(sftptest.Fault{Op: sftptest.OpCopy, Times: 1, After: n * 8, Do: func() {
				if err := os.WriteFile(old, by, 0o644); err != nil {
					t.Error(err)
				}
			}})
			_, err := c.make(t.Context(), s)
			wantError(t, err, Refused, "has changed")
		}
	}
}

// TestPatchAsksAhead does not wait for one answer before it asks for more: over a long line that is what takes the time.
func TestPatchAsksAhead(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{Copies: true, Exec: true}, sftptest.HangOn(sftptest.OpCopy))
	c := newPatchCase("/.a.part")
	c.in(t, server.Dir)
	before := s.mux.sent.Load()
	done := async(func() error { _, err := c.make(t.Context(), s); return err })
	eventually(t, "all is asked for", func() bool { return s.mux.sent.Load()-before >= int64(len(c.parts)) })
	server.Faults.Clear()
	if err := soon(t, "the patch", done); err != nil {
		t.Error(err)
	}
	holds(t, c.content, server.Dir, ".a.part")
}

// TestPatchCutOff loses the connection at every third request. Nothing hangs, and a new session makes the file.
func TestPatchCutOff(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{Copies: true})
	for n := 0; ; n += 3 {
		s := mustDial(t, serverTarget(server))
		c := newPatchCase("/.a.part")
		c.in(t, server.Dir)
		server.Faults.Set(sftptest.Fault{Op: "", Cut: true, After: n, Times: 1})
		hits := server.Faults.Hits()
		_, err := c.make(t.Context(), s)
		if server.Faults.Hits() == hits {
			if err != nil || n < 60 {
				t.Errorf("after %d requests: %v", n, err)
			}
			holds(t, c.content, server.Dir, ".a.part")
			return
		}
		wantError(t, err, Transient)
		s.Close()
	}
}

// TestPatchOneAtATime keeps to one request at a server that bears no more, and to the limit for what is written.
func TestPatchOneAtATime(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{Copies: true})
	target := serverTarget(server)
	paced := &countingPacer{}
	target.Pacer = paced
	s := mustDial(t, target)
	s.note(func(c *Capabilities) { c.Refusals = enoughRefusals })
	server.Faults.Add(sftptest.MaxInFlight(2))
	c := newPatchCase("/.a.part")
	c.in(t, server.Dir)
	if _, err := c.make(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	holds(t, c.content, server.Dir, ".a.part")
	if got := paced.bytes.Load(); got != c.literal {
		t.Errorf("%d bytes were under the limit, of %d that were written", got, c.literal)
	}
}

// countingPacer lets everything pass, and counts it.
type countingPacer struct{ bytes atomic.Int64 }

func (p *countingPacer) Rate() int64 { return 1 << 40 }

func (p *countingPacer) Wait(ctx context.Context, n int) error {
	p.bytes.Add(int64(n))
	return ctx.Err()
}
