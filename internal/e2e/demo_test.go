package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// demoRig has a directory of its own for temporary files.
func demoRig(t *testing.T) (r *rig, temp string) {
	t.Helper()
	r = bareRig(t)
	temp = r.mkdir("tmp")
	r.env = append(r.env, "TMPDIR="+temp)
	return r, temp
}

func TestDemo(t *testing.T) {
	t.Parallel()
	r, temp := demoRig(t)
	got := r.runBare("demo", "--once")
	if got.code != 0 {
		t.Fatalf("exit code %d\n%s", got.code, got.text())
	}
	contains(t, got.stderr, "state_dir", "settled", "delivered", "archived")
	contains(t, got.stdout, "Receipts:", "invoice-0001.xml", "Zürich", "empty.flag", "export.zip", "report.pdf")
	lacks(t, got.text(), "\x1b", "report.pdf.part (")
	if n := lines(got.stdout, "partner"); n != 5 {
		t.Errorf("%d receipts, want 5\n%s", n, got.stdout)
	}
	if left := names(t, temp); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	j := r.runBare("demo", "--once", "--json")
	if h := decode[historyJSON](t, j.stdout); len(h.Deliveries) != 5 {
		t.Errorf("JSON: %d receipts", len(h.Deliveries))
	}
	if left := names(t, r.dir); len(left) != 3 { // outbox, home, tmp
		t.Errorf("left: %q", left)
	}
}

// TestDemoGoesOn takes files of one's own until it is interrupted.
func TestDemoGoesOn(t *testing.T) {
	t.Parallel()
	r, temp := demoRig(t)
	a := r.launch("demo")
	a.wait("All samples are delivered")
	m := regexp.MustCompile(`an outbox waits at\n  (.*)\n`).FindStringSubmatch(a.text())
	if m == nil {
		t.Fatalf("no outbox is named in\n%s", a.text())
	}
	r.write(filepath.Join(m[1], "mine.txt"), "mine")
	server := filepath.Join(filepath.Dir(m[1]), "server", "incoming", "mine.txt")
	eventually(t, "my file is there", 10*time.Second, func() bool { b, err := os.ReadFile(server); return err == nil && string(b) == "mine" })
	if code := a.signal(os.Interrupt); code != 0 {
		t.Errorf("exit code %d", code)
	}
	contains(t, a.text(), "Receipts:", "mine.txt")
	if left := names(t, temp); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestDemoInterruptedAtItsStart removes everything, too.
func TestDemoInterruptedAtItsStart(t *testing.T) {
	t.Parallel()
	r, temp := demoRig(t)
	a := r.launch("demo", "--once")
	a.wait("Sample files arrive")
	a.signal(os.Interrupt)
	if left := names(t, temp); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
