package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDamagedState stops, names the file, keeps a copy aside, and never begins anew as if nothing had been delivered.
func TestDamagedState(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(content []byte) []byte
	}{
		{"rubbish in its middle", func(b []byte) []byte {
			copy(b[len(b)/4:], bytes.Repeat([]byte("rubbish!"), len(b)/16))
			return b
		}},
		{"cut off", func(b []byte) []byte { return b[:len(b)/3] }},
		{"empty", func([]byte) []byte { return nil }},
		{"another file", func([]byte) []byte { return bytes.Repeat([]byte("this is no database\n"), 1000) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, `to = ["acme:in"]`)
			r.drop("a.txt", "a")
			r.deliver(1)
			if err := os.Remove(r.inbox("in/a.txt")); err != nil { // the partner has taken it
				t.Fatal(err)
			}
			stores, err := filepath.Glob(filepath.Join(r.state, "*.db"))
			if err != nil || len(stores) != 1 {
				t.Fatalf("stores: %q, %v", stores, err)
			}
			whole, err := os.ReadFile(stores[0])
			if err != nil {
				t.Fatal(err)
			}
			bad := c.damage(bytes.Clone(whole))
			if err := os.WriteFile(stores[0], bad, 0o600); err != nil {
				t.Fatal(err)
			}
			r.drop("b.txt", "b")
			for _, command := range []string{"once", "run", "once"} {
				got := r.expect(1, command)
				contains(t, got.stderr, stores[0]+" is damaged", "it was left as it is", "a copy is "+stores[0]+".corrupt-")
			}
			for _, args := range [][]string{{"history"}, {"status"}, {"explain", "outbox/a.txt"}, {"plan"}} {
				if got := r.run(args...); got.code == 0 && c.name != "rubbish in its middle" { // which reading may not come across
					t.Errorf("%q: exit code 0\n%s", args, got.text())
				}
			}
			if now, err := os.ReadFile(stores[0]); err != nil || !bytes.Equal(now, bad) {
				t.Errorf("the damaged file was touched: %v", err)
			}
			copies, err := filepath.Glob(stores[0] + ".corrupt-*Z") // beside each may be one of the log
			if err != nil || len(copies) != 1 {
				t.Fatalf("copies: %q, %v", copies, err)
			}
			if kept, err := os.ReadFile(copies[0]); err != nil || !bytes.Equal(kept, bad) {
				t.Errorf("the copy is another: %v", err)
			}
			wantTree(t, r.inbox("in"), map[string]string{})

			// Restored from a copy it goes on where it was: nothing is sent twice.
			if err := os.WriteFile(stores[0], whole, 0o600); err != nil {
				t.Fatal(err)
			}
			r.deliver(1)
			wantTree(t, r.inbox("in"), map[string]string{"b.txt": "b"})
		})
	}
}

// TestStateThatIsGone begins anew, as for the first time, and recognises at the server what it can.
func TestStateThatIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	r.drop("a.txt", "a")
	r.deliver(1)
	if err := os.RemoveAll(r.state); err != nil {
		t.Fatal(err)
	}
	if all, _ := r.once(0); strings.Join(types(all), " ") != "adopted" {
		t.Errorf("events: %q", types(all))
	}
}
