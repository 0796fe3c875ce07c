package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestMarkersThatAreSent come when their files are there, and are put away like them.
func TestMarkersThatAreSent(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.outboxTo(r.acme(), "ready = \"marker\"\nmarker = \"{name}.done\"\nmarker_send = true\ninclude = [\"*.xml\"]\n"+
		"after = \"archive\"\narchive = "+fmt.Sprintf("%q", r.archive)+"\nto = [\"acme:in\"]")
	if err := os.Mkdir(r.inbox("in"), 0o700); err != nil {
		t.Fatal(err)
	}
	seen := sftptest.Observe(t, r.inbox("in"))
	for _, name := range []string{"a.xml", "b.xml", "b.xml.done", "a.xml.done"} {
		r.drop(name, name)
	}
	r.deliver(4)
	all := map[string]string{"a.xml": "a.xml", "b.xml": "b.xml", "b.xml.done": "b.xml.done", "a.xml.done": "a.xml.done"}
	wantTree(t, filepath.Join(r.sshd.Dir, "in"), all)
	wantTree(t, r.archive, all)
	wantTree(t, r.outbox, map[string]string{})
	there := map[string]bool{}
	for _, s := range seen.Seen() {
		there[s.Name] = true
		if s.Name == "a.xml.done" || s.Name == "b.xml.done" {
			if !there["a.xml"] || !there["b.xml"] {
				t.Errorf("%s came before the files: %v", s.Name, there)
			}
		}
	}
}
