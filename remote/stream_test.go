package remote

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestStream ends where its source ends, with checkpoints on the way.
func TestStream(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustProbe(t, sshdTarget(sshd))
	for _, size := range []int{0, 1, 1 << 20, 3<<20 + 5} {
		content := random(size)
		for how, src := range map[string]io.Reader{
			"at once": bytes.NewReader(content), "with its end": iotest.DataErrReader(bytes.NewReader(content)),
			"by halves": iotest.HalfReader(bytes.NewReader(content)),
		} {
			count := 0
			sum, err := s.Upload(t.Context(), Upload{
				Temp: s.target.Path("f.part"), Size: Unknown, CheckpointBytes: 1 << 20, Save: func(Mark) error { count++; return nil },
			}, src)
			if expected := sha256.Sum256(content); err != nil || !bytes.Equal(sum, expected[:]) {
				t.Errorf("%d bytes %s: hash %x (%v), want %x", size, how, sum, err, expected)
			}
			if most := size >> 20; count < most-1 || count > most {
				t.Errorf("%d bytes %s: %d checkpoints", size, how, count)
			}
			holds(t, content, sshd.Dir, "f.part")
		}
	}
	broken := errors.New("broken")
	_, err := s.Upload(t.Context(), Upload{Temp: s.target.Path("f.part"), Size: Unknown},
		io.MultiReader(bytes.NewReader(random(100)), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("a source that fails: %v", err)
	}
}

// TestStreamGoesOn from a mark, as long as the server has what it has acknowledged: a stream cannot begin anew.
func TestStreamGoesOn(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustProbe(t, sshdTarget(sshd))
	content := random(3<<20 + 5)
	temp, name := s.target.Path("f.part"), filepath.Join(sshd.Dir, "f.part")
	for world, change := range map[string]func(){
		"as it was left":           func() {},
		"longer than acknowledged": func() { appendTo(t, name, random(1<<20+6)) },
		"longer than the whole":    func() { appendTo(t, name, random(9<<20)) },
		"shorter than the mark":    func() { must(t, os.Truncate(name, 1<<20)) },
		"gone":                     func() { must(t, os.Remove(name)) },
	} {
		var at Mark
		enough := errors.New("enough")
		_, err := s.Upload(t.Context(), Upload{
			Temp: temp, Size: Unknown, CheckpointBytes: 2 << 20, Save: func(m Mark) error { at = m; return enough },
		}, bytes.NewReader(content))
		if !errors.Is(err, enough) || at.Offset < 2<<20 {
			t.Fatalf("%v at %d", err, at.Offset)
		}
		change()
		sum, err := s.Upload(t.Context(), Upload{Temp: temp, Size: Unknown, From: at}, bytes.NewReader(content))
		if world == "shorter than the mark" || world == "gone" {
			if !Integrity.is(err) {
				t.Errorf("%s: %v", world, err)
			}
			continue
		}
		if want := sha256.Sum256(content); err != nil || !bytes.Equal(sum, want[:]) {
			t.Errorf("%s: hash %x (%v), want %x", world, sum, err, want)
		}
		if strings.HasPrefix(world, "longer") { // by others: what was sent is all of it, and nothing is cut off
			if _, _, err := s.Verify(t.Context(), temp, int64(len(content)), sum, Size); !Integrity.is(err) {
				t.Errorf("%s: verified as %v", world, err)
			}
			continue
		}
		holds(t, content, sshd.Dir, "f.part")
	}
}
