package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// newer is a program whose store has a newer schema, built when a test first needs it.
var newer = sync.OnceValues(func() (string, error) {
	name := filepath.Join(filepath.Dir(binary), "dropferry-newer")
	return name, buildProgram(name, "crashtest,nextschema")
})

// newerProgram returns a program of the next version.
func newerProgram(t *testing.T) string {
	t.Helper()
	name, err := newer()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestUpgradeAndDowngrade brings a store up to date with a copy of it beforehand, has the older program refuse it and say
// what to do, and goes back as it says.
func TestUpgradeAndDowngrade(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	store := filepath.Join(r.state, "dropferry.db")
	r.drop("a.txt", "a")
	r.deliver(1)

	r.program = newerProgram(t)
	r.drop("b.txt", "b")
	a := r.watching()
	r.arrives("b.txt", "b")
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := len(r.history()); n != 2 {
		t.Errorf("%d receipts after the upgrade, want those of before and after", n)
	}
	copies, err := filepath.Glob(store + ".before-v*")
	if err != nil || len(copies) != 1 {
		t.Fatalf("copies: %q, %v", copies, err)
	}

	r.program = ""
	before, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"run", "once", "status", "history", "plan"} {
		got := r.run(command)
		if got.code != 6 {
			t.Errorf("%s of the older program: exit code %d", command, got.code)
		}
		contains(t, got.stderr, store+" has schema ", "run the newer dropferry", "move all of "+store+"*", "dropferry.db.before-v")
	}
	if after, err := os.ReadFile(store); err != nil || string(after) != string(before) {
		t.Errorf("the older program has touched the store: %v", err)
	}

	// A crash may have left a log beside the newer store: it must not be taken for one of the copy.
	r.write(store+"-wal", "what was not yet in the store")
	aside := r.mkdir("state/newer")
	all, err := filepath.Glob(store + "*")
	if err != nil || len(all) < 3 {
		t.Fatalf("%q, %v", all, err)
	}
	for _, name := range all {
		if err := os.Rename(name, filepath.Join(aside, filepath.Base(name))); err != nil {
			t.Fatal(err)
		}
	}
	r.write(store, tree(t, aside)[filepath.Base(copies[0])])
	r.expect(0, "once") // what was delivered meanwhile is there, and is not sent again
	wantTree(t, r.sshd.Dir, map[string]string{"a.txt": "a", "b.txt": "b"})
	if history := r.history(); len(history) != 1 {
		t.Errorf("receipts of the copy: %+v", history)
	}
}

// TestUpgradeInMidUpload stops the older program while a file is on its way: the newer one goes on from the checkpoint, and
// the file is published once.
func TestUpgradeInMidUpload(t *testing.T) {
	t.Parallel()
	for _, way := range []struct {
		name string
		end  func(*agent)
	}{
		{"stopped", func(a *agent) { a.stop() }},
		{"killed", func(a *agent) { a.kill() }},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			const size = 24 << 20
			r := newRig(t, "")
			r.grace = "200ms"
			wire := sftptest.StartWire(t, r.sshd.Addr)
			wire.SetRate(6 << 20)
			r.configure(sftptest.Through(wire, r.acme()) +
				r.folder("outbox", r.outbox, "checkpoint = { size = \"1MiB\", every = \"200ms\" }\nto = [\"acme\"]"))
			content := strings.Repeat("0123456789abcdef", size/16)
			r.drop("large.bin", content)
			seen := sftptest.Observe(t, r.sshd.Dir)
			a := r.start()
			r.underWay(r.sshd.Dir, size/3)
			way.end(a)
			sent, _, _ := wire.Stats()
			if sent > size*3/4 {
				t.Fatalf("%d bytes had gone when the old program was to end", sent)
			}

			r.program = newerProgram(t)
			wire.SetRate(0)
			r.start()
			r.arrives("large.bin", content)
			if all, _, _ := wire.Stats(); all > size*5/4 {
				t.Errorf("%d bytes were sent for %d, %d of them by the old program", all, size, sent)
			}
			eventually(t, "there is a receipt", 20*time.Second, func() bool { return len(r.history()) == 1 })
			if n := len(seen.Seen()); n != 1 {
				t.Errorf("%d publications", n)
			}
		})
	}
}
