package e2e

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

var writeMatrix = flag.Bool("write-compatibility", false, "write what TestServers sees to docs/compatibility.md")

// account is a real server's, for one test.
type account struct {
	addr, dir string
	toml      string // its [[destination]], named acme
	version   string // "" where the banner tells it
	varies    bool   // whether a cut upload goes on
}

// servers are the real ones that are tried, by the name that docs/compatibility.md has.
var servers = []struct {
	name  string
	start func(t *testing.T) account
}{
	{"OpenSSH", openSSH(sftptest.SSHDOptions{})},
	{"OpenSSH, SFTP only", openSSH(sftptest.SSHDOptions{NoExec: true})},
	{"OpenSSH, SFTP only, in a chroot", openSSH(sftptest.SSHDOptions{NoExec: true, Jail: true})},
	{"OpenSSH, `MaxSessions 1`", openSSH(sftptest.SSHDOptions{Config: []string{"MaxSessions 1"}})},
	{"OpenSSH, extensions refused", openSSH(sftptest.SSHDOptions{
		NoExec: true, Subsystem: "internal-sftp -P posix-rename,fsync,limits,statvfs,fsetstat,setstat",
	})},
	{"OpenSSH, algorithms of 2014", openSSH(sftptest.SSHDOptions{HostKeys: []string{"rsa"}, Config: []string{
		"KexAlgorithms diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha256", "Ciphers aes128-ctr,aes256-ctr",
		"MACs hmac-sha2-256", "HostKeyAlgorithms rsa-sha2-256",
	}})},
	{"OpenSSH, a password by PAM", withPassword},
	{"OpenSSH, key, password and code by PAM", withCode},
	{"OpenSSH, a certificate", withCertificate},
	{"ProFTPD mod_sftp", product(sftptest.StartProFTPD, sftptest.ProductOptions{})},
	{"ProFTPD mod_sftp, in a chroot", product(sftptest.StartProFTPD, sftptest.ProductOptions{Jail: true})},
	{"dropbear, with OpenSSH's sftp-server", product(sftptest.StartDropbear, sftptest.ProductOptions{})},
	{"rclone serve sftp", varying(product(sftptest.StartRclone, sftptest.ProductOptions{Config: fresh}))},
	{"rclone serve sftp, `--vfs-cache-mode writes`", varying(product(sftptest.StartRclone, sftptest.ProductOptions{
		Config: append(slices.Clip(fresh), "--vfs-cache-mode", "writes", "--vfs-write-back", "0s"),
	}))},
}

// fresh has rclone see at once what comes into its directory in another way, which it overlooks for five minutes otherwise.
var fresh = []string{"--dir-cache-time", "0s"}

// varying is a server that tells how long a file is when it is closed, so that it depends on when it closes what was cut off
// whether an upload goes on.
func varying(start func(*testing.T) account) func(*testing.T) account {
	return func(t *testing.T) account {
		a := start(t)
		a.varies = true
		return a
	}
}

func openSSH(o sftptest.SSHDOptions) func(*testing.T) account {
	return func(t *testing.T) account {
		s := sftptest.StartSSHD(t, o)
		return account{addr: s.Addr, dir: s.Dir, toml: s.TOML("acme")}
	}
}

func product(start func(sftptest.TB, sftptest.ProductOptions) *sftptest.Product, o sftptest.ProductOptions) func(*testing.T) account {
	return func(t *testing.T) account {
		p := start(t, o)
		return account{addr: p.Addr, dir: p.Dir, toml: p.TOML("acme"), version: p.Version}
	}
}

// TestServers delivers to each real server, resumes after a cut, replaces an own version, holds a conflict, and removes
// from a mirror. What each can do stands in docs/compatibility.md.
func TestServers(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]serverRow{}
	t.Run("each", func(t *testing.T) {
		for _, server := range servers {
			t.Run(server.name, func(t *testing.T) {
				t.Parallel()
				row := deliverTo(t, server.start(t))
				mu.Lock()
				defer mu.Unlock()
				if !t.Failed() {
					seen[server.name] = row
				}
			})
		}
	})
	if !t.Failed() {
		compareMatrix(t, seen)
	}
}

// deliverTo does with one server what a folder's life asks for, and returns what was seen.
func deliverTo(t *testing.T, a account) serverRow {
	t.Helper()
	const large = 4 << 20
	r := bareRig(t)
	wire := sftptest.StartWire(t, a.addr)
	copied := r.mkdir("copied")
	// The server has time to acknowledge a checkpoint before the cut.
	r.configure(sftptest.Through(wire, a.toml) + patient + "bandwidth = \"2MiB\"\n" +
		r.folder("outbox", r.outbox, "checkpoint = { size = \"1MiB\" }\nretry = { initial = \"50ms\", max = \"100ms\" }\nto = [\"acme:in\"]") +
		r.folder("copied", copied, "mode = \"mirror\"\ndelete = true\ndelete_delay = \"1ms\"\nto = [\"acme:copy\"]"))
	checked := decode[checkJSON](t, r.expect(0, "check", "--connect", "--json").stdout).Destinations[0]
	if left := names(t, a.dir); len(left) > 0 {
		t.Errorf("check has left %q", left)
	}
	inbox := func(name string) string { return filepath.Join(a.dir, name) }

	big := noise(large)
	r.drop("large.bin", big)
	sent, _, _ := wire.Stats()
	cut := wire.CutAfter(large / 2)
	receipts, summary := r.once(0)
	if summary.Delivered != 1 {
		t.Errorf("the large file: %+v", summary)
	}
	select {
	case <-cut:
	default:
		t.Error("the connection was not cut")
	}
	after, _, _ := wire.Stats()
	row := rowOf(a.version, checked.Capabilities, after-sent < large*11/8) // half, and all but one checkpoint
	if a.varies {
		row.resume = "as it closes files"
	}

	r.drop("small.txt", "one")
	r.write(inbox("in/theirs.txt"), "theirs")
	r.drop("theirs.txt", "ours")
	r.write(filepath.Join(copied, "stays.txt"), "stays")
	r.write(filepath.Join(copied, "sub/goes.txt"), "goes")
	const many = 40
	want := map[string]string{"in/large.bin": big, "in/small.txt": "two, and longer", "in/theirs.txt": "theirs", "copy/stays.txt": "stays"}
	for i := range many {
		name := fmt.Sprintf("many/%d/%02d.txt", i%4, i)
		r.write(filepath.Join(copied, name), name)
		want["copy/"+name] = name
	}
	all, summary := r.once(3)
	if receipts = append(receipts, all...); summary.Delivered != 3+many || summary.Held != 1 {
		t.Errorf("new files: %+v", summary)
	}

	r.drop("small.txt", "two, and longer")
	if err := os.RemoveAll(filepath.Join(copied, "sub")); err != nil {
		t.Fatal(err)
	}
	moved, err := os.Stat(inbox("copy/many/0/00.txt"))
	if err == nil {
		err = os.Rename(filepath.Join(copied, "many/0/00.txt"), filepath.Join(copied, "many/0/moved.txt"))
	}
	if err != nil {
		t.Fatal(err)
	}
	want["copy/many/0/moved.txt"] = want["copy/many/0/00.txt"]
	delete(want, "copy/many/0/00.txt")
	if _, summary := r.once(3); summary.Delivered != 2 {
		t.Errorf("a changed file, and a moved one: %+v", summary)
	}
	removed, _ := r.removing(3)
	if n := kinds(removed); n["trashed"] != 1 {
		t.Errorf("events %v: %+v", n, removed)
	}
	eventually(t, "the server holds what it should, and nothing else", 20*time.Second, func() bool { // rclone writes late
		got := tree(t, a.dir)
		maps.DeleteFunc(got, func(name, _ string) bool { return strings.HasPrefix(name, "copy/.trash/") || name == "copy/.dropferry" })
		return maps.Equal(got, want)
	})
	if now, err := os.Stat(inbox("copy/many/0/moved.txt")); err == nil && os.SameFile(moved, now) {
		row.move = "rename"
	}
	row.evidence = evidenceOf(receipts)
	return row
}

// evidenceOf returns the evidence that all receipts have.
func evidenceOf(events []eventJSON) string {
	kinds := map[string]bool{}
	for _, e := range events {
		if e.Receipt != nil {
			kinds[e.Receipt.Evidence] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(kinds)), ", ")
}
