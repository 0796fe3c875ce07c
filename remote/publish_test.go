package remote

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustProbe(t, sshdTarget(sshd))
	temp, final := s.target.Path(".a.part"), s.target.Path("a")
	mustUpload(t, s, temp, []byte("one"))
	if err := s.Publish(t.Context(), temp, final, false); err != nil {
		t.Fatal(err)
	}
	holds(t, []byte("one"), sshd.Dir, "a")

	mustUpload(t, s, temp, []byte("two"))
	wantError(t, s.Publish(t.Context(), temp, final, false), Exists, "rename acme:"+final+": a file stands there already")
	holds(t, []byte("one"), sshd.Dir, "a")
	holds(t, []byte("two"), sshd.Dir, ".a.part")

	if err := s.Publish(t.Context(), temp, final, true); err != nil {
		t.Fatal(err)
	}
	holds(t, []byte("two"), sshd.Dir, "a")
	if got := names(t, sshd.Dir); !slices.Equal(got, []string{"a"}) {
		t.Errorf("there are %q, want the file alone", got)
	}
	wantError(t, s.Publish(t.Context(), temp, final, false), Missing, "no such file or directory")
	wantError(t, s.Publish(t.Context(), temp, final, true), Missing)
	holds(t, []byte("two"), sshd.Dir, "a")
}

// Nothing but a rename may make an existing name fail, whatever the server calls it.
func TestPublishSaysExistsWhateverTheServerSays(t *testing.T) {
	t.Parallel()
	answers := map[string]error{
		"failure": sftptest.Failure, "already exists": sftptest.Status(11), "permission": sftptest.PermissionDenied,
		"unsupported": sftptest.Unsupported, "none of them": sftptest.Status(17),
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, s := hostile(t, sftptest.ServerOptions{}, sftptest.Refuse(sftptest.OpRename, answer))
			mustUpload(t, s, "/.a.part", []byte("ours"))
			err := s.Publish(t.Context(), "/.a.part", "/a", false)
			if want := (&statusError{code: statusOf(answer)}).kind(); want != KindOf(err) {
				t.Errorf("a rename to a free name: %v, want kind %s", err, want)
			}
			mustUpload(t, s, "/a", []byte("theirs"))
			wantError(t, s.Publish(t.Context(), "/.a.part", "/a", false), Exists, "a file stands there already")
			holds(t, []byte("theirs"), server.Dir, "a")
		})
	}
}

// statusOf finds the code of one of the server's answers, whose type is not exported.
func statusOf(answer error) uint32 {
	var code uint32
	if _, err := fmt.Sscan(fmt.Sprintf("%d", answer), &code); err != nil {
		panic(err)
	}
	return code
}

func TestReplaceWithoutPosixRename(t *testing.T) {
	t.Parallel()
	tests := map[string][]sftptest.Fault{
		"not announced":            {sftptest.NoPosixRename()},
		"announced and not done":   {sftptest.RefusePosixRename()},
		"a plain one that does":    {sftptest.NoPosixRename(), sftptest.OverwritingRename()},
		"a cut replacement's rest": {sftptest.NoPosixRename()},
	}
	for name, faults := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, sftptest.ServerOptions{}, faults...)
			s := mustProbe(t, serverTarget(server))
			if s.Capabilities().PosixRename {
				t.Error("the probe believes in posix-rename")
			}
			mustUpload(t, s, "/a", []byte("one"))
			mustUpload(t, s, "/.a.id.part", []byte("two"))
			if strings.HasPrefix(name, "a cut") {
				mustUpload(t, s, BackupName("/.a.id.part"), []byte("zero"))
			}
			if err := s.Publish(t.Context(), "/.a.id.part", "/a", true); err != nil {
				t.Fatal(err)
			}
			holds(t, []byte("two"), server.Dir, "a")
			want := []string{".a.id.old.part", "a"} // for the caller to remove
			if strings.HasPrefix(name, "a plain") {
				want = want[1:]
			} else {
				holds(t, []byte("one"), server.Dir, want[0])
			}
			if got := names(t, server.Dir); !slices.Equal(got, want) {
				t.Errorf("there are %q, want %q", got, want)
			}
		})
	}
}

// What is stored of a server may be out of date: a posix-rename that has gone is no failure of the file.
func TestReplaceWhenPosixRenameHasGone(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{}, sftptest.RefusePosixRename())
	for i := range 2 {
		mustUpload(t, s, "/a", []byte("one"))
		mustUpload(t, s, "/.a.part", []byte("two"))
		err := s.Publish(t.Context(), "/.a.part", "/a", true)
		if i == 0 { // before anything is moved aside, of which the caller may want to take note
			wantError(t, err, Unsupported)
			holds(t, []byte("one"), server.Dir, "a")
			err = s.Publish(t.Context(), "/.a.part", "/a", true)
		}
		if err != nil {
			t.Fatal(err)
		}
		holds(t, []byte("two"), server.Dir, "a")
		if got := server.Faults.Calls(sftptest.OpPosixRename); got != 2 { // the probe's and the first
			t.Errorf("posix-rename was asked for %d times by replacement %d", got, i)
		}
	}
}

func TestReplaceRollsBack(t *testing.T) {
	t.Parallel()
	// The renames are: temp to final, refused since it is taken; final to backup; temp to final; backup to final.
	refused := sftptest.Refuse(sftptest.OpRename, sftptest.PermissionDenied)
	t.Run("put back", func(t *testing.T) {
		t.Parallel()
		server, s := replacement(t, refused.Skip(2).Once())
		wantError(t, s.Publish(t.Context(), "/.a.part", "/a", true), Permission, "rename acme:/a: permission denied")
		holds(t, []byte("one"), server.Dir, "a")
		holds(t, []byte("two"), server.Dir, ".a.part")
		if got := names(t, server.Dir); len(got) != 2 {
			t.Errorf("there are %q, want the file and the temp", got)
		}
	})
	t.Run("not to be put back", func(t *testing.T) {
		t.Parallel()
		server, s := replacement(t, refused.Skip(2))
		wantError(t, s.Publish(t.Context(), "/.a.part", "/a", true), Permission,
			"rename acme:/a: permission denied; the earlier version could not be put back and is at /.a.old.part")
		holds(t, []byte("one"), server.Dir, ".a.old.part")
	})
	t.Run("not to be set aside", func(t *testing.T) {
		t.Parallel()
		server, s := replacement(t, refused.Skip(1))
		wantError(t, s.Publish(t.Context(), "/.a.part", "/a", true), Permission)
		holds(t, []byte("one"), server.Dir, "a")
	})
	t.Run("cut off between", func(t *testing.T) {
		t.Parallel()
		server, s := replacement(t, sftptest.Fault{Op: sftptest.OpRename, Cut: true, After: 2})
		wantError(t, s.Publish(t.Context(), "/.a.part", "/a", true), Transient)
		holds(t, []byte("one"), server.Dir, ".a.old.part")
		holds(t, []byte("two"), server.Dir, ".a.part")
	})
}

// replacement is a server without posix-rename where "/.a.part" is to replace "/a".
func replacement(t *testing.T, faults ...sftptest.Fault) (*sftptest.TestServer, *Session) {
	t.Helper()
	server := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.NoPosixRename())
	s := mustProbe(t, serverTarget(server))
	mustUpload(t, s, "/a", []byte("one"))
	mustUpload(t, s, "/.a.part", []byte("two"))
	server.Faults.Add(faults...)
	return server, s
}

func TestPublishToAPartnerWhoTakesFilesAtOnce(t *testing.T) {
	t.Parallel()
	taken := t.TempDir()
	_, s := hostile(t, sftptest.ServerOptions{}, sftptest.VanishOnRename(taken).On("a"))
	mustUpload(t, s, "/.a.part", []byte("one"))
	if err := s.Publish(t.Context(), "/.a.part", "/a", false); err != nil {
		t.Fatal(err)
	}
	holds(t, []byte("one"), taken, "a")
}

func TestRenameWithALostReply(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{}, sftptest.LoseReply(sftptest.OpRename))
	mustUpload(t, s, "/.a.part", []byte("one"))
	wantError(t, s.Publish(t.Context(), "/.a.part", "/a", false), Transient, "rename acme:/a: ")
	wantDead(t, s)
	holds(t, []byte("one"), server.Dir, "a")
}

func TestNoOverwritingByPublishWithoutReplace(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustProbe(t, sshdTarget(sshd))
	if err := os.Mkdir(filepath.Join(sshd.Dir, "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	mustUpload(t, s, s.target.Path(".a.part"), []byte("one"))
	wantError(t, s.Publish(t.Context(), s.target.Path(".a.part"), s.target.Path("dir"), false), Exists)
}

// TestPublishIntoANewDirectory has many files take names in a directory that none of them finds at first.
func TestPublishIntoANewDirectory(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustProbe(t, sshdTarget(sshd))
	const files = 32
	var running sync.WaitGroup
	for n := range files {
		temp := filepath.Join(sshd.Dir, fmt.Sprintf(".%d.part", n))
		if err := os.WriteFile(temp, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		running.Go(func() {
			if err := s.Publish(t.Context(), temp, filepath.Join(sshd.Dir, "new", "deeper", fmt.Sprint(n)), false); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if got := names(t, filepath.Join(sshd.Dir, "new", "deeper")); len(got) != files {
		t.Errorf("%d files of %d", len(got), files)
	}
}
