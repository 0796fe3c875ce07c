package remote

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestLanesLeaveAPlace has large files go over as many channels as a server allows but for one, on which it hashes them.
func TestLanesLeaveAPlace(t *testing.T) {
	t.Parallel()
	for allowed, want := range map[int]int{2: 1, 3: 2, 4: 3, 100: DefaultChannels} {
		t.Run(fmt.Sprint(allowed), func(t *testing.T) {
			t.Parallel()
			sshd, _, s := far(t, sftptest.SSHDOptions{Config: []string{fmt.Sprintf("MaxSessions %d", allowed)}})
			content := random(24 << 20)
			sum := sha256.Sum256(content)
			for i := range 2 {
				name := fmt.Sprintf("f%d.part", i)
				mustUpload(t, s, s.target.Path(name), content)
				got, means, err := s.Hash(t.Context(), s.target.Path(name), int64(len(content)))
				if err != nil || !bytes.Equal(got, sum[:]) {
					t.Errorf("%x by %q, %v", got, means, err)
				}
				holds(t, content, sshd.Dir, name)
			}
			if n := s.countLanes(); n > want || n < min(want, 2) { // how many are wanted is up to the line
				t.Errorf("%d channels, want %d", n, want)
			}
		})
	}
}

// TestCopiesLeaveAPlace has no channel for copies alone where none would be left to prove what they make.
func TestCopiesLeaveAPlace(t *testing.T) {
	t.Parallel()
	for allowed, apart := range map[int]bool{2: false, 3: true} {
		sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{Config: []string{fmt.Sprintf("MaxSessions %d", allowed)}})
		s := mustProbe(t, sshdTarget(sshd))
		if can := s.Capabilities(); !can.Copies() {
			t.Skip("this sshd copies nothing")
		}
		old := random(apartFrom)
		mustUpload(t, s, s.target.Path("old"), old)
		now := append([]byte("new"), old...)
		_, err := s.Patch(t.Context(), Patch{
			Old: s.target.Path("old"), OldSize: int64(len(old)), Temp: s.target.Path("f.part"), Size: int64(len(now)),
			Parts: PartsOf(Part{At: 0, Length: 3, From: -1}, Part{At: 3, Length: int64(len(old)), From: 0}),
		}, bytes.NewReader(now))
		if err != nil {
			t.Fatal(err)
		}
		got, means, err := s.Hash(t.Context(), s.target.Path("f.part"), int64(len(now)))
		if sum := sha256.Sum256(now); err != nil || !bytes.Equal(got, sum[:]) {
			t.Errorf("%d: %x by %q, %v", allowed, got, means, err)
		}
		if lane := s.copying.lane; (lane != nil) != apart {
			t.Errorf("%d: copies have a channel of their own: %v", allowed, lane != nil)
		}
	}
}

// TestCommandsShareOneChannel has every file hashed, and every probe find that, where a server allows no channel but one beside that of
// SFTP: nearby, where the next command comes before the server has seen the last one's end, and far away, where channels are opened ahead.
// A server without openssl has all other commands tried at once.
func TestCommandsShareOneChannel(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	for _, name := range []string{"xargs", "sha256sum"} {
		program, err := exec.LookPath(name)
		if err != nil {
			t.Skip(err)
		}
		if err := os.Symlink(program, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, row := range map[string]struct {
		config, hash string
		delay        time.Duration
		probes       int
	}{
		"nearby":           {hash: hashCommands[0], probes: 5},
		"far away":         {hash: hashCommands[0], delay: 10 * time.Millisecond, probes: 12},
		"without openssl":  {config: "SetEnv PATH=" + bin, hash: hashCommands[1], probes: 5},
		"far, and without": {config: "SetEnv PATH=" + bin, hash: hashCommands[1], delay: 10 * time.Millisecond, probes: 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{Config: []string{"MaxSessions 2", row.config}})
			target := sshdTarget(sshd)
			if row.delay > 0 {
				wire := sftptest.StartWire(t, sshd.Addr)
				wire.SetDelay(row.delay)
				target = over(wire, target)
			}
			content := random(1000)
			sum := sha256.Sum256(content)
			for range row.probes {
				s := mustProbe(t, target)
				if c := s.Capabilities(); c.Hash != row.hash {
					t.Errorf("%q is found, want %q", c.Hash, row.hash)
				}
				mustUpload(t, s, s.target.Path("a"), content)
				for range 5 {
					if got, means, err := s.Hash(t.Context(), s.target.Path("a"), int64(len(content))); err != nil || !bytes.Equal(got, sum[:]) {
						t.Errorf("%x by %q, %v", got, means, err)
					}
				}
				s.Close()
			}
		})
	}
}
