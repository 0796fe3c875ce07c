package state

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// child is a process that has the store open.
type child struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func startChild(t *testing.T, role, dir string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, dir)
	cmd.Env = append(os.Environ(), childRole+"="+role)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil { // open until the child is gone
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: cmd, lines: bufio.NewScanner(out)}
	t.Cleanup(func() { _ = c.kill() }) // it may be dead already
	if c.next(t) != "open" {
		t.Fatal("the child has not opened the store")
	}
	return c
}

func (c *child) next(t *testing.T) string {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatalf("the child has ended: %v", c.lines.Err())
	}
	return c.lines.Text()
}

// kill ends the child without any chance to tidy up, and returns what it had still said.
func (c *child) kill() (rest []string) {
	_ = c.cmd.Process.Kill() // it may be dead already
	for c.lines.Scan() {
		rest = append(rest, c.lines.Text())
	}
	_ = c.cmd.Wait() // it was killed
	return rest
}

// runChild is what a child process does.
func runChild(role, dir string) error {
	ctx := context.Background()
	s, err := Open(ctx, dir)
	if err != nil {
		return err
	}
	out := &saying{w: os.Stdout}
	out.say("open")
	if role == "hold" {
		_, err := io.ReadAll(os.Stdin) // until it is killed
		return err
	}
	var links sync.WaitGroup
	for n := range 16 {
		links.Go(func() {
			for i := 0; ; i++ {
				if err := deliverAloud(ctx, s, out, file.Path(fmt.Sprintf("%02d/%06d", n, i)), i%2 == 0); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
			}
		})
	}
	links.Wait()
	return nil
}

// saying writes whole lines.
type saying struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *saying) say(words ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = fmt.Fprintln(s.w, strings.Join(words, " ")) // the parent may be gone
}

// deliverAloud takes a file through its life and says each step when it is done.
func deliverAloud(ctx context.Context, s *Store, out *saying, p file.Path, keep bool) error {
	in := intentFor(route, p)
	planned, err := s.Plan(ctx, []Plan{{Intent: in}})
	if err != nil || !planned[0].OK {
		return fmt.Errorf("plan: %v, %w", planned, err)
	}
	out.say(in.ID, "planned")
	if ok, err := s.Commit(ctx, in.ID, proofOf(in)); err != nil || !ok {
		return fmt.Errorf("commit: %t, %w", ok, err)
	}
	out.say(in.ID, "committing")
	if ok, err := s.Deliver(ctx, in.ID, deliveryOf(in, keep)); err != nil || !ok {
		return fmt.Errorf("deliver: %t, %w", ok, err)
	}
	out.say(in.ID, "delivered")
	return nil
}

func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]string{} // the last step of each intent
	note := func(line string) {
		if id, step, ok := strings.Cut(line, " "); ok {
			acknowledged[id] = step
		}
	}
	for round := range 5 {
		c := startChild(t, "deliver", dir)
		for range 200 + 137*round {
			note(c.next(t))
		}
		for _, line := range c.kill() {
			note(line)
		}
		func() {
			s := openAt(t, dir) // also: the lock has died with the process
			defer closeStore(t, s)
			checkAcknowledged(t, s, acknowledged)
			checkWhole(t, s)
			// The next process plans the same names: those that were cut off would stand in the way.
			open, err := s.Intents(t.Context(), "", "", 0, Planned, Held, Parked)
			if err != nil {
				t.Fatal(err)
			}
			for _, in := range open {
				if ok, err := s.Drop(t.Context(), in.ID); !ok || err != nil {
					t.Fatal(ok, err)
				}
				delete(acknowledged, in.ID)
			}
			open, err = s.Intents(t.Context(), "", "", 0, Committing)
			if err != nil {
				t.Fatal(err)
			}
			for _, in := range open {
				if ok, err := s.Deliver(t.Context(), in.ID, deliveryOf(in, true)); !ok || err != nil {
					t.Fatal(ok, err)
				}
				acknowledged[in.ID] = "delivered"
			}
		}()
	}
}

// checkAcknowledged fails where an intent has fallen behind the step that was acknowledged.
func checkAcknowledged(t *testing.T, s *Store, acknowledged map[string]string) {
	t.Helper()
	receipts := map[string]bool{}
	history, err := s.History(t.Context(), Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range history {
		receipts[d.ID] = true
	}
	for id, step := range acknowledged {
		in, ok, err := s.Intent(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case receipts[id]:
		case step == "delivered":
			t.Errorf("%s was acknowledged as delivered and has no receipt", id)
		case !ok:
			t.Errorf("%s was acknowledged as %s and is gone", id, step)
		case step == "committing" && in.Phase != Committing:
			t.Errorf("%s was acknowledged as committing and is %s", id, in.Phase)
		}
	}
}

// checkWhole fails where a transaction was left half done: every receipt has its known file, and an intent with a
// receipt is delivered.
func checkWhole(t *testing.T, s *Store) {
	t.Helper()
	err := s.read(t.Context(), "check", func(c *conn) error {
		for _, sql := range []string{
			`SELECT id FROM deliveries AS d WHERE NOT EXISTS (SELECT 1 FROM known AS k
				WHERE k.folder = d.folder AND k.path = d.path AND k.destination = d.destination)`,
			`SELECT id FROM intents JOIN deliveries USING (id) WHERE phase <> 'delivered'`,
			`SELECT id FROM intents WHERE phase = 'delivered' AND id NOT IN (SELECT id FROM deliveries)`,
			`SELECT 'count' FROM counts WHERE intents <> (SELECT count(*) FROM intents) OR known <> (SELECT count(*) FROM known)`,
		} {
			r, found, err := c.one(sql)
			if err != nil {
				return err
			}
			if found {
				t.Errorf("%s: %v", sql, r)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLockBetweenProcesses(t *testing.T) {
	dir := t.TempDir()
	c := startChild(t, "hold", dir)
	_, err := Open(t.Context(), dir)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("(process %d)", c.cmd.Process.Pid)) {
		t.Errorf("%v", err)
	}
	c.kill()
	openAt(t, dir)
}

func TestReaderWhileAnotherProcessWrites(t *testing.T) {
	dir := t.TempDir()
	c := startChild(t, "deliver", dir)
	r, err := OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, r)
	seen := 0
	deadline := time.Now().Add(20 * time.Second)
	for seen < 500 && time.Now().Before(deadline) {
		c.next(t)
		checkWhole(t, r)
		counts, err := r.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range counts {
			if n.Known < seen {
				t.Fatalf("%d files are known, %d were before", n.Known, seen)
			}
			seen = n.Known
		}
		walked := 0
		for rec, err := range r.Walk(t.Context(), route.Folder) {
			if err != nil {
				t.Fatal(rec, err)
			}
			walked += len(rec.Known)
		}
		if walked < seen {
			t.Fatalf("walked %d of %d", walked, seen)
		}
	}
	if seen < 500 {
		t.Errorf("saw only %d files", seen)
	}
	c.kill()
}
