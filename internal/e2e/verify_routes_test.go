package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestVerifyOutbox takes for granted that a partner takes files away, and tells what was changed of those that are there.
func TestVerifyOutbox(t *testing.T) {
	t.Parallel()
	for _, after := range []string{"archive", "delete"} {
		lines := fmt.Sprintf("after = %q\nto = [\"acme:in\"]\n", after)
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			verifyServers(t, lines, func(t *testing.T, r *rig, dir string) {
				if after == "archive" {
					r.edit(lines, lines+fmt.Sprintf("archive = %q\n", r.archive))
				}
				for _, name := range []string{"there.txt", "taken.txt", "cut.txt", "changed.txt", "again.txt"} {
					r.drop(name, "content")
				}
				r.once(0)
				r.drop("again.txt", "the second delivery")
				r.once(0)
				_, s := r.verify(0, "--content")
				if s.OK != 5 || s.Taken != 0 {
					t.Errorf("summary: %+v", s)
				}
				remove(t, filepath.Join(dir, "in/taken.txt"))
				_, s = r.verify(0)
				if s.OK != 4 || s.Taken != 1 || s.Checked != 5 {
					t.Errorf("summary: %+v", s)
				}
				contains(t, r.expect(0, "verify").stdout, "5 files checked", "4 ok, 1 taken")
				if err := os.Truncate(filepath.Join(dir, "in/cut.txt"), 2); err != nil {
					t.Fatal(err)
				}
				if err := keepTime(other)(filepath.Join(dir, "in/changed.txt")); err != nil {
					t.Fatal(err)
				}
				found, s := r.verify(3, "--content", "--repair", "--overwrite")
				wantFound(t, found, map[string]string{"cut.txt": "truncated", "changed.txt": "different"})
				if s.Planned+s.Held+s.Forgotten != 0 || s.Taken != 1 {
					t.Errorf("summary: %+v", s)
				}
				f := found["cut.txt"]
				if f.Repair != "none" || !strings.HasPrefix(f.Hint, "dropferry resend "+f.Delivery) {
					t.Errorf("cut.txt: %+v", f)
				}
				if after == "delete" {
					return
				}
				for path, f := range found {
					remove(t, filepath.Join(dir, "in", path))
					r.command("resend", f.Delivery)
				}
				r.once(0)
				r.verify(0, "--content")
			})
		})
	}
}

// TestVerifyKeptOutbox sends nothing again to a partner who may have taken it, where nobody has said so.
func TestVerifyKeptOutbox(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in/{yyyy}"]`)
	r.drop("a.txt", "content")
	r.drop("b.txt", "content")
	r.once(0)
	r.verify(0, "--content")
	year := time.Now().UTC().Format("2006")
	remove(t, r.inbox("in/"+year+"/a.txt"))
	for _, args := range [][]string{{"--repair"}, {"--repair", "destination:acme"}} {
		found, s := r.verify(3, args...)
		if f := found["a.txt"]; f.Type != "missing" || f.Repair != "none" || !strings.Contains(f.Hint, "folder:outbox") || s.Planned != 0 {
			t.Errorf("%q: %+v", args, f)
		}
	}
	if _, s := r.verify(3, "--repair", "outbox/acme"); s.Planned != 1 {
		t.Errorf("summary: %+v", s)
	}
	r.once(0)
	wantTree(t, r.inbox("in/"+year), map[string]string{"a.txt": "content", "b.txt": "content"})
	r.verify(0, "--content")
}

// TestVerifyAdopted compares what was there before with the folder's own file, as far as that is still the known one.
func TestVerifyAdopted(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{NoExec: true})
	r.outboxTo(r.acme(), mirror)
	then := time.Now().Add(-time.Hour)
	for _, name := range []string{"same.txt", "rotten.txt"} {
		for _, dir := range []string{r.outbox, r.inbox("copy")} {
			r.write(filepath.Join(dir, name), "equal bytes")
			if err := os.Chtimes(filepath.Join(dir, name), then, then); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := keepTime(other)(r.inbox("copy/rotten.txt")); err != nil {
		t.Fatal(err)
	}
	r.once(0) // by size and time: there is no other evidence
	r.verify(0)
	found, s := r.verify(3, "--content")
	wantFound(t, found, map[string]string{"rotten.txt": "different"})
	if s.OK != 1 {
		t.Errorf("summary: %+v", s)
	}
	age(t, r.file("same.txt"), time.Minute)
	found, _ = r.verify(3, "--content")
	wantFound(t, found, map[string]string{"rotten.txt": "different", "same.txt": "unknown"})
}

func (r *rig) file(name string) string { return filepath.Join(r.outbox, name) }

// TestVerifyRoutes looks at what is asked for.
func TestVerifyRoutes(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	second := sftptest.StartServer(t, sftptest.ServerOptions{})
	other := r.mkdir("other")
	r.configure(r.acme() + second.TOML("globex") + patient +
		r.folder("outbox", r.outbox, "mode = \"mirror\"\nto = [\"acme:copy\", \"globex:copy\"]") + r.folder("other", other, "mode = \"mirror\"\nto = [\"globex:other\"]"))
	r.verify(0) // nothing was ever delivered
	r.drop("a.txt", "a")
	r.write(filepath.Join(other, "b.txt"), "b")
	r.once(0)
	remove(t, filepath.Join(second.Dir, "copy/a.txt"))
	logins := second.Stats().Logins
	for _, c := range []struct {
		code, checked int
		args          []string
	}{
		{3, 3, nil},
		{0, 1, []string{"outbox/acme"}},
		{3, 1, []string{"outbox/globex"}},
		{3, 2, []string{"folder:outbox"}},
		{3, 2, []string{"destination:globex"}},
		{0, 2, []string{"folder:other", "destination:acme"}},
	} {
		if _, s := r.verify(c.code, c.args...); s.Checked != c.checked {
			t.Errorf("%q: %+v", c.args, s)
		}
	}
	if n := second.Stats().Logins - logins; n != 5 {
		t.Errorf("%d logins, want one for each time that the destination was looked at", n)
	}
	for _, args := range [][]string{{"outbox"}, {"folder:outbx"}, {"other/acme"}, {"0123456789abcdef"}, {"--overwrite"}} {
		r.refused(4, []string{"dropferry: "}, append([]string{"verify"}, args...)...)
	}
	// A destination that is away leaves the others.
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	found, s := r.verify(14)
	if f := found["outbox/globex"]; f.Type != "unknown" || found["other/globex"].Files != 1 || f.Files != 1 || !strings.Contains(f.Reason, "connection refused") {
		t.Errorf("found: %+v", f)
	}
	if s.Unknown != 2 || s.OK != 1 || s.Checked != 1 {
		t.Errorf("summary: %+v", s)
	}
}

// TestVerifyCannotAsk gives what stopped it its exit code, and plans nothing.
func TestVerifyCannotAsk(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	r.drop("a.txt", "a")
	r.once(0)
	for _, c := range []struct {
		name, table string
		code        int
		want        string
	}{
		{"away", r.dead("acme"), 14, "connection refused"},
		{"root", replaced(t, r.acme(), r.sshd.Dir, r.sshd.Dir+"/missing"), 14, "create it at the server"},
		{"host key", replaced(t, r.acme(), r.sshd.Fingerprints[0], "SHA256:"+strings.Repeat("A", 43)), 13, "acme"},
		{"login", replaced(t, r.acme(), r.sshd.KeyFile, r.keyFile("other")), 12, "check user, key_file and password"},
	} {
		r.outboxTo(c.table, mirror)
		found, s := r.verify(c.code, "--repair")
		if f := found["outbox/acme"]; f.Type != "unknown" || f.Files != 1 || s.Unknown != 1 || s.Checked != 0 {
			t.Errorf("%s: %+v, %+v", c.name, f, s)
		}
		contains(t, r.expect(c.code, "verify").stdout, c.want, "1 unknown", "outbox/acme: 1 file could not be asked for")
	}
	// A login that once was refused is not tried again, so that the account is not locked.
	r.once(12)
	contains(t, r.expect(12, "verify").stdout, "not tried again")
	r.outboxTo(r.acme(), mirror)
	r.verify(0, "--content")
}

// TestVerifyManyFiles stays quick on a long line, and goes on when its connection is cut.
func TestVerifyManyFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	const n = 800
	for i := range n {
		r.drop(fmt.Sprintf("d%02d/f%04d.txt", i%40, i), fmt.Sprint(i))
	}
	r.deliver(n)
	for i := 0; i < n; i += 100 {
		remove(t, r.inbox(fmt.Sprintf("copy/d%02d/f%04d.txt", i%40, i)))
	}
	wire := sftptest.StartWire(t, r.sshd.Addr)
	wire.SetDelay(20 * time.Millisecond) // one after the other, they would take half a minute
	r.outboxTo(sftptest.Through(wire, r.acme()), mirror)
	for _, args := range [][]string{{}, {"--content"}} {
		begun := time.Now()
		found, s := r.verify(3, args...)
		if len(found) != n/100 || s.Missing != n/100 || s.OK != n-n/100 || s.Checked != n {
			t.Errorf("%q: %d found, %+v", args, len(found), s)
		}
		if took := time.Since(begun); took > 25*time.Second {
			t.Errorf("%q: it took %v", args, took)
		}
	}
	wire.CutAfter(60 << 10)
	if _, s := r.verify(3); s.Missing != n/100 || s.Checked != n || s.Unknown != 0 {
		t.Errorf("after a cut: %+v", s)
	}
	if _, s := r.verify(3, "--repair"); s.Planned != n/100 {
		t.Errorf("repair: %+v", s)
	}
	r.outboxTo(r.acme(), mirror)
	r.once(0)
	if _, s := r.verify(0, "--content"); s.OK != n {
		t.Errorf("summary: %+v", s)
	}
}

// TestVerifyServerWithOneOpenFile reads files back one at a time where that is needed.
func TestVerifyServerWithOneOpenFile(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	s := sftptest.StartServer(t, sftptest.ServerOptions{})
	r.outboxTo(s.TOML("acme")+patient, mirror)
	for i := range 30 {
		r.drop(fmt.Sprintf("%d.txt", i), strings.Repeat(fmt.Sprint(i), 50_000))
	}
	r.once(0)
	s.Faults.Add(sftptest.OneOpenFile())
	if _, sum := r.verify(0, "--content"); sum.OK != 30 {
		t.Errorf("summary: %+v", sum)
	}
}

// TestVerifyAwkwardNames tells names as they are.
func TestVerifyAwkwardNames(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	for _, name := range []string{"bad\xff.txt", "two\nlines.txt", " space", "-n", "ünï.txt"} {
		if err := os.WriteFile(r.file(name), []byte("content"), 0o600); err != nil {
			t.Skipf("this file system has no such names: %v", err)
		}
	}
	r.once(0)
	r.verify(0, "--content")
	remove(t, r.inbox("copy/bad\xff.txt"))
	remove(t, r.inbox("copy/two\nlines.txt"))
	found, s := r.verify(3, "--repair")
	if f := found["bad�.txt"]; string(f.PathB64) != "bad\xff.txt" || s.Planned != 2 {
		t.Errorf("%+v, %+v", found, s)
	}
	lacks(t, r.expect(0, "verify").text(), "two\nlines")
	r.once(0)
	r.verify(0, "--content")
	if _, err := os.Stat(r.inbox("copy/bad\xff.txt")); errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// TestVerifyBesideABusyAgent never takes what is on its way for damage.
func TestVerifyBesideABusyAgent(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	r.watching()
	looks := 0
	for round := range 6 {
		for i := range 40 {
			r.drop(fmt.Sprintf("%02d.txt", i), strings.Repeat("x", round*100+i))
		}
		done := fmt.Sprintf("00.txt holds %d", round*100)
		eventually(t, done, 20*time.Second, func() bool {
			looks++
			r.verify(0, []string{"--content"}[:looks%2]...)
			return len(tree(t, r.inbox("copy"))["00.txt"]) == round*100 && len(tree(t, r.inbox("copy"))) >= 40
		})
	}
	r.verifies("--content")
}

// TestVerifyWritesNothing at the server, and asks a hash command that nobody has proved there only once.
func TestVerifyWritesNothing(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	probed := sftptest.StartServer(t, sftptest.ServerOptions{})
	r.outboxTo(probed.TOML("acme")+patient, mirror)
	for i := range 20 {
		r.drop(fmt.Sprintf("%d.txt", i), fmt.Sprint("content of ", i))
	}
	r.once(0)
	// The same files on another server, whose commands say something else than SFTP.
	s := sftptest.StartServer(t, sftptest.ServerOptions{Dir: probed.Dir, Exec: true, Limits: &sftptest.Limits{Packet: 1 << 18, Read: 1 << 17, Write: 1 << 17}})
	r.outboxTo(s.TOML("acme")+patient, mirror)
	if err := other(filepath.Join(s.Dir, "copy/7.txt")); err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(s.Dir, "copy/8.txt"))
	found, sum := r.verify(3, "--content", "--repair")
	wantFound(t, found, map[string]string{"7.txt": "different", "8.txt": "missing"})
	if sum.OK != 18 || sum.Planned != 1 || sum.Held != 1 {
		t.Errorf("summary: %+v", sum)
	}
	if n := s.Faults.Calls(sftptest.OpExec); n != 1 {
		t.Errorf("%d commands", n)
	}
	for _, op := range []string{
		sftptest.OpWrite, sftptest.OpSetstat, sftptest.OpMkdir, sftptest.OpRmdir, sftptest.OpRemove, sftptest.OpRename,
		sftptest.OpPosixRename, sftptest.OpHardlink, sftptest.OpSymlink,
	} {
		if n := s.Faults.Calls(op); n != 0 {
			t.Errorf("%d calls of %s", n, op)
		}
	}
}

// TestVerifyAFileThatCutsTheConnection tells of it, and of the others what they are.
func TestVerifyAFileThatCutsTheConnection(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	s := sftptest.StartServer(t, sftptest.ServerOptions{})
	r.outboxTo(s.TOML("acme")+patient, mirror)
	for i := range 10 {
		r.drop(fmt.Sprintf("%d.txt", i), fmt.Sprint("content of ", i))
	}
	r.once(0)
	if err := os.Truncate(filepath.Join(s.Dir, "copy/1.txt"), 4); err != nil {
		t.Fatal(err)
	}
	s.Faults.Add(sftptest.Fault{Op: sftptest.OpLstat, Path: "9.txt", Cut: true})
	found, sum := r.verify(3, "--repair")
	wantFound(t, found, map[string]string{"1.txt": "truncated", "9.txt": "unknown"})
	if sum.OK != 8 || sum.Unknown != 1 || sum.Planned != 1 {
		t.Errorf("summary: %+v", sum)
	}
	s.Faults.Clear()
	r.once(0)
	r.verify(0, "--content")
}
