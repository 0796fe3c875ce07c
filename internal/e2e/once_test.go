package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestOnceDeliversAndThenNothing holds the main promise: everything arrives, once.
func TestOnceDeliversAndThenNothing(t *testing.T) {
	r := newRig(t, `to = ["acme:in"]`)
	files := map[string]string{
		"plain.txt": "hello\n", "empty": "", "sub/deep/er.csv": "1;2\n", "with space 'and' \"quotes\".txt": "q",
		"-dash": "d", "line\nbreak": "n", "Zürich–東京.txt": "u", ".hidden": "h", "$(touch pwned)`id`;x": "i", "bad\xffutf8": "b",
		"large.bin": string(make([]byte, 3<<20)),
	}
	for name, content := range files {
		r.drop(name, content)
	}
	r.drop("unfinished.part", "not yet")
	r.expect(0, "once")
	wantTree(t, filepath.Join(r.sshd.Dir, "in"), files)

	again := r.expect(0, "once", "--json")
	var summary struct{ Delivered int }
	if err := json.Unmarshal([]byte(again.stdout), &summary); err != nil {
		t.Fatalf("%v in %s", err, again.stdout)
	}
	if summary.Delivered != 0 {
		t.Errorf("the second run delivered %d files", summary.Delivered)
	}
	if _, err := os.Stat(filepath.Join(r.sshd.Dir, "pwned")); err == nil {
		t.Error("a file name has run a command")
	}
	history := r.expect(0, "history", "--json")
	var h struct {
		Deliveries []struct {
			Path, Evidence string
			Size           int64
		}
	}
	if err := json.Unmarshal([]byte(history.stdout), &h); err != nil {
		t.Fatal(err)
	}
	if len(h.Deliveries) != len(files) {
		t.Errorf("%d receipts for %d files", len(h.Deliveries), len(files))
	}
	for _, d := range h.Deliveries {
		want := "read-back" // what is small
		if d.Size == 0 || d.Size > 256<<10 {
			want = "remote-hash"
		}
		if d.Evidence != want {
			t.Errorf("%q has the evidence %s", d.Path, d.Evidence)
		}
	}
}
