package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

func TestUploadSizes(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustProbe(t, sshdTarget(sshd))
	hashes(s)
	packet := s.limits.write()
	if packet != 255<<10 {
		t.Errorf("WRITEs of %d bytes, want OpenSSH's 261120", packet)
	}
	for _, size := range []int{0, 1, packet - 1, packet, packet + 1, 5 << 20, 40 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			content := random(size)
			name := fmt.Sprintf("size-%d.part", size)
			var sent []int64
			u := Upload{Temp: s.target.Path(name), Size: int64(size), Progress: func(n int64) { sent = append(sent, n) }}
			sum, err := s.Upload(t.Context(), u, bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			if want := sha256.Sum256(content); !bytes.Equal(sum, want[:]) {
				t.Errorf("hash %x, want %x", sum, want)
			}
			holds(t, content, sshd.Dir, name)
			if size > 0 && (!slices.IsSorted(sent) || sent[len(sent)-1] != int64(size)) {
				t.Errorf("progress %v does not rise to %d", sent, size)
			}
			_, evidence, err := s.Verify(t.Context(), u.Temp, int64(size), sum, Content)
			if err != nil || evidence.Kind != RemoteHash {
				t.Errorf("evidence %+v, %v, want a remote hash", evidence, err)
			}
		})
	}
}

func TestUploadReplacesAnEarlierAttempt(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustDial(t, sshdTarget(sshd))
	temp := s.target.Path("a.part")
	mustUpload(t, s, temp, random(100_000))
	mustUpload(t, s, temp, random(10))
	holds(t, random(10), sshd.Dir, "a.part")
}

func TestUploadMakesMissingDirectories(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustDial(t, sshdTarget(sshd))
	deep := strings.TrimSuffix(strings.Repeat("d/", 40), "/")
	mustUpload(t, s, s.target.Path(deep+"/a.part"), []byte("a"))
	holds(t, []byte("a"), sshd.Dir, deep, "a.part")

	if err := os.RemoveAll(filepath.Join(sshd.Dir, "d")); err != nil { // and once more when somebody removes them
		t.Fatal(err)
	}
	mustUpload(t, s, s.target.Path(deep+"/b.part"), []byte("b"))
	holds(t, []byte("b"), sshd.Dir, deep, "b.part")
}

func TestUploadsTogetherMakeOneDirectory(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustDial(t, sshdTarget(sshd))
	var all []<-chan error
	for i := range 16 {
		all = append(all, async(func() error {
			return upload(t, s, s.target.Path(fmt.Sprintf("x/y/z/%d.part", i)), []byte{byte(i)})
		}))
	}
	for _, c := range all {
		if err := soon(t, "upload", c); err != nil {
			t.Error(err)
		}
	}
	if got := names(t, filepath.Join(sshd.Dir, "x/y/z")); len(got) != 16 {
		t.Errorf("there are %q, want 16 files", got)
	}
}

func TestUploadWhereAFileStandsInTheWay(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustDial(t, sshdTarget(sshd))
	mustUpload(t, s, s.target.Path("file"), nil)
	err := s.MkdirAll(t.Context(), s.target.Path("file"))
	wantError(t, err, Exists, "mkdir acme:"+s.target.Path("file"), "a file stands where a directory is needed")
}

func TestMissingRootIsToldAndNotMade(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	target := sshdTarget(sshd)
	target.Root = filepath.Join(sshd.Dir, "gone")
	s := mustDial(t, target)
	hint := "create it at the server, or change root"
	wantError(t, s.CheckRoot(t.Context()), Root, "stat acme:"+target.Root+": no such file or directory", hint)
	wantError(t, upload(t, s, target.Path("a.part"), nil), Root, hint)
	wantError(t, upload(t, s, target.Path("deep/down/a.part"), nil), Root, hint)
	_, err := s.Probe(t.Context(), time.Now())
	wantError(t, err, Root, hint)
	if got := names(t, sshd.Dir); len(got) > 0 {
		t.Errorf("%q was made", got)
	}
	mustUpload(t, s, filepath.Join(sshd.Dir, "gone"), nil)
	wantError(t, s.CheckRoot(t.Context()), Root, "is not a directory")
}

// awkward are names that something between here and the server's disk could take for something else.
var awkward = []string{
	"with spaces  and more", "quote's", `double"quote`, "new\nline", "-rf", "--help", "back\\slash", "tab\tstop", "cr\rname",
	"$(touch ran)", "`touch ran`", "a; touch ran", "a && touch ran", "| touch ran", "*", "?", "[a]", "~", "#comment", "!1",
	"non-utf8-\xff\xfe", "umlaut-ä-𝄞", strings.Repeat("n", 200),
	"two\n" + strings.Repeat("0", 64) + " *x", // its second line looks like a digest's
}

func TestAwkwardNames(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustProbe(t, sshdTarget(sshd))
	for i, name := range awkward {
		content := random(1000 + i)
		sum := sha256.Sum256(content)
		temp, final := s.target.Path(name+".part"), s.target.Path("dir "+name+"/"+name)
		mustUpload(t, s, temp, content)
		holds(t, content, sshd.Dir, name+".part")
		if got, _, err := s.Hash(t.Context(), temp, int64(len(content))); err != nil || !bytes.Equal(got, sum[:]) {
			t.Errorf("%q: hash %x, %v, want %x", name, got, err, sum)
		}
		if err := s.MkdirAll(t.Context(), dirOf(final)); err != nil {
			t.Fatal(err)
		}
		if err := s.Publish(t.Context(), temp, final, false); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		holds(t, content, sshd.Dir, "dir "+name, name)
		if err := s.Remove(t.Context(), final); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if left := names(t, filepath.Join(sshd.Dir, "dir "+name)); len(left) > 0 {
			t.Errorf("%q was not removed", left)
		}
	}
	for _, dir := range []string{sshd.Dir, ".", os.Getenv("HOME")} {
		if _, err := os.Lstat(filepath.Join(dir, "ran")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file name was run as a command in %s", dir)
		}
	}
}

func TestUploadOfASourceThatIsNotWhatItWas(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustDial(t, sshdTarget(sshd))
	broken := errors.New("bad sector")
	cancelled, cancel := context.WithCancel(t.Context())
	tests := []struct {
		name   string
		ctx    context.Context
		size   int64
		source io.Reader
		want   error
	}{
		{"shorter", t.Context(), 1_000_000, bytes.NewReader(random(999_999)), errShortTransfer},
		{"longer", t.Context(), 1_000_000, bytes.NewReader(random(1_000_001)), errShortTransfer},
		{"longer than nothing", t.Context(), 0, bytes.NewReader(random(1)), errShortTransfer},
		{"empty", t.Context(), 5, bytes.NewReader(nil), errShortTransfer},
		{"unreadable", t.Context(), 5, iotest.ErrReader(broken), broken},
		{"unreadable where it ends", t.Context(), 0, iotest.ErrReader(broken), broken},
		{"unreadable later", t.Context(), 1_000_000, io.MultiReader(bytes.NewReader(random(600_000)), iotest.ErrReader(broken)), broken},
		{"a read of nothing at the end", t.Context(), 3, iotest.DataErrReader(iotest.OneByteReader(strings.NewReader("abc"))), nil},
		{"given up", cancelled, 1 << 40, io.MultiReader(io.LimitReader(endless{}, 1<<20), readerFunc(func(b []byte) (int, error) {
			cancel()
			return len(b), nil
		})), context.Canceled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := s.Upload(test.ctx, Upload{Temp: s.target.Path("a.part"), Size: test.size}, test.source)
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if _, ok := errors.AsType[*Error](err); ok {
				t.Errorf("%v is told as the server's fault", err)
			}
			if s.Err() != nil {
				t.Fatalf("the session ended: %v", s.Err())
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// A local file that cannot be read for a while, on a network file system say, is not the server's fault.
func TestUploadWaitsForASlowSource(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	target := sshdTarget(sshd)
	target.Keepalive, target.StallTimeout = stall/4, stall
	s := mustDial(t, target)
	release := time.After(2 * stall)
	waiting := readerFunc(func([]byte) (int, error) { <-release; return 0, io.EOF })
	content := random(600_000)
	u := Upload{Temp: target.Path("a.part"), Size: int64(len(content))}
	if _, err := s.Upload(t.Context(), u, io.MultiReader(bytes.NewReader(content[:300_000]), waiting, bytes.NewReader(content[300_000:]))); err != nil {
		t.Fatal(err)
	}
	holds(t, content, sshd.Dir, "a.part")
}

func TestRemoveTakesFilesOnly(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustDial(t, sshdTarget(sshd))
	if err := os.Mkdir(filepath.Join(sshd.Dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	wantError(t, s.Remove(t.Context(), s.target.Path("empty")), Refused, "remove acme:")
	if err := s.Remove(t.Context(), s.target.Path("none")); err != nil {
		t.Errorf("what is gone already: %v", err)
	}
	if err := s.Remove(t.Context(), s.target.Path("none/none")); err != nil {
		t.Errorf("what is gone with its directory: %v", err)
	}
	if got := names(t, sshd.Dir); !slices.Equal(got, []string{"empty"}) {
		t.Errorf("there are %q, want the directory", got)
	}
}

func TestSetModTime(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustProbe(t, sshdTarget(sshd))
	name := s.target.Path("a.part")
	mustUpload(t, s, name, []byte("abc"))
	at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, when := range []time.Time{at, time.Unix(-1, 0), time.Unix(1<<32, 0)} { // the last two say nothing to the protocol
		if err := s.SetModTime(t.Context(), name, when); err != nil {
			t.Fatal(err)
		}
		info, err := s.Stat(t.Context(), name)
		if err != nil || !info.ModTime.Equal(at) || info.Size != 3 || !info.Mode.IsRegular() {
			t.Errorf("stat: %+v, %v, want 3 bytes from %v", info, err, at)
		}
	}
}
