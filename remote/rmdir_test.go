package remote

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestRmdir removes an empty directory and nothing else, and forgets that it was there.
func TestRmdir(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustDial(t, sshdTarget(sshd))
	for _, dir := range []string{"empty", "full/inner"} {
		if err := s.MkdirAll(t.Context(), s.target.Path(dir)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(sshd.Dir, "file"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	// OpenSSH says of a file that there is no such directory.
	for name, refused := range map[string]bool{"empty": false, "gone": false, "full": true, "file": false} {
		err := s.Rmdir(t.Context(), s.target.Path(name))
		if (err != nil) != refused {
			t.Errorf("%s: %v", name, err)
		}
		if Transient.is(err) || s.Err() != nil {
			t.Fatalf("%s: a refusal ends the session: %v", name, err)
		}
	}
	if got := names(t, sshd.Dir); !slices.Equal(got, []string{"file", "full"}) {
		t.Errorf("left are %q", got)
	}
	// It is made again, although it was there a moment ago.
	if err := s.MkdirAll(t.Context(), s.target.Path("empty/below")); err != nil {
		t.Error(err)
	}
	if got := names(t, filepath.Join(sshd.Dir, "empty")); !slices.Equal(got, []string{"below"}) {
		t.Errorf("in it are %q", got)
	}
}
