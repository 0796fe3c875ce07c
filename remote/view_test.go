package remote

import (
	"bytes"
	"crypto/sha256"
	"os"
	"os/user"
	"path/filepath"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestCommandsInAnotherView holds that a hash of another file of the same name never counts, where SFTP is locked into a
// directory and commands are not.
func TestCommandsInAnotherView(t *testing.T) {
	t.Parallel()
	elsewhere := t.TempDir() // outside of what SFTP sees
	server := sftptest.StartServer(t, sftptest.ServerOptions{Exec: true})
	name := filepath.Join(elsewhere, "a.txt")
	for to, content := range map[string]string{name: "ours", filepath.Join(server.Dir, name): "theirs"} {
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for root, hashes := range map[string]bool{"": true, "/": false} { // what is relative is the same for both
		target := serverTarget(server)
		target.Root = root
		s := mustProbe(t, target)
		if c := s.Capabilities(); c.Hash == "" == hashes || c.HashAbsolute {
			t.Errorf("root %q: %+v", root, c)
		}
		sum, means, err := s.Hash(t.Context(), name, 6)
		if !Unsupported.is(err) {
			t.Errorf("root %q: %x by %q, %v", root, sum, means, err)
		}
		if hashes {
			temp := filepath.Join(elsewhere, ".a.txt.00000000000000ab.part")
			mustUpload(t, s, temp, []byte("ours"))
			want := sha256.Sum256([]byte("ours"))
			if _, e, err := s.Verify(t.Context(), temp, 4, want[:], Auto); err != nil || e.Kind == RemoteHash {
				t.Errorf("a temp that no command sees: %+v, %v", e, err)
			}
			mustUpload(t, s, "b.txt", []byte("ours"))
			if sum, _, err := s.Hash(t.Context(), "b.txt", 4); err != nil || !bytes.Equal(sum, want[:]) {
				t.Errorf("a relative name: %x, %v", sum, err)
			}
		}
	}
}

// TestAbsoluteNamesUnderARelativeRoot are hashed where commands see what SFTP sees.
func TestAbsoluteNamesUnderARelativeRoot(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	target := sshdTarget(sshd)
	if target.Root, err = filepath.Rel(u.HomeDir, sshd.Dir); err != nil {
		t.Fatal(err)
	}
	s := mustProbe(t, target)
	if c := s.Capabilities(); !c.HashAbsolute {
		t.Errorf("%+v", c)
	}
	name := filepath.Join(sshd.Dir, "a.txt")
	mustUpload(t, s, name, []byte("ours"))
	want := sha256.Sum256([]byte("ours"))
	if sum, _, err := s.Hash(t.Context(), name, 4); err != nil || !bytes.Equal(sum, want[:]) {
		t.Errorf("%x, %v", sum, err)
	}
}
