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

// TestDemoFaults shows each fault and what follows from it. It takes as long as people need to see it.
func TestDemoFaults(t *testing.T) {
	t.Parallel()
	r, temp := demoRig(t)
	got := r.runBare("demo", "--once", "--faults") // which waits for a minute at most
	if got.code != 0 {
		t.Fatalf("exit code %d\n%s", got.code, got.text())
	}
	contains(t, got.stderr,
		"FAULT 1", "another byte of the invoice", "the server has other content",
		"FAULT 2", "its answer is lost",
		"FAULT 3", "connection is cut", "goes on    export.zip from ", "is sent again",
		"FAULT 4", "answers a write with a failure", `answered "failure"`,
		"FAULT 5", "falls silent", "stall_timeout", "is heard again",
		"FAULT 6", "new ones are refused", "next attempt in", "accepted again",
		"FAULT 7", "server is stopped", "server is there again",
		"7 faults, 5 files, all of them whole")
	if n := lines(got.stderr, "goes on"); n < 4 { // on a busy machine the line may seem silent once more
		t.Errorf("the upload went on %d times\n%s", n, got.stderr)
	}
	if n := lines(got.stdout, "partner"); n != 5 {
		t.Errorf("%d receipts, want 5\n%s", n, got.stdout)
	}
	if left := names(t, temp); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestDemoFaultsInterrupted is no success: not everything has arrived.
func TestDemoFaultsInterrupted(t *testing.T) {
	t.Parallel()
	r, temp := demoRig(t)
	a := r.launch("demo", "--once", "--faults")
	a.wait("FAULT 1")
	if code := a.signal(os.Interrupt); code != 130 {
		t.Errorf("exit code %d", code)
	}
	lacks(t, a.text(), "all of them whole")
	if left := names(t, temp); len(left) > 0 {
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
