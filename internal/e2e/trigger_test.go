package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
)

// batch is a directory of files, one of which is the trigger that says that all of them are there.
type batch struct {
	dir     string
	files   map[string]string // without the trigger
	trigger string
}

// newBatch makes one up. Its trigger is smaller than everything else and sorts before it.
func newBatch(random *rand.Rand, n int) *batch {
	b := &batch{dir: fmt.Sprintf("batch-%02d", n), files: map[string]string{}, trigger: "0.done"}
	if n%3 == 0 {
		b.trigger = "MANIFEST"
	}
	for i := range 3 + random.IntN(6) {
		name := fmt.Sprintf("data-%d", i)
		if random.IntN(3) == 0 {
			name = fmt.Sprintf("sub/deep-%d/%s", i, name)
		}
		b.files[name] = strings.Repeat(string(rune('a'+i)), 1+random.IntN(200_000))
	}
	if n%4 == 0 { // a batch in the batch, with a trigger of its own
		b.files["inner/data"], b.files["inner/0.done"] = "inner", "inner done"
	}
	return b
}

// produce writes the batch, each file in pieces, and the trigger at last.
func (b *batch) produce(t *testing.T, root string, random *rand.Rand) {
	write := func(name, content string, slow bool) {
		path := filepath.Join(root, b.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Error(err)
			return
		}
		f, err := os.Create(path)
		if err != nil {
			t.Error(err)
			return
		}
		half := len(content) / 2
		_, err = f.WriteString(content[:half])
		if slow {
			time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
		}
		_, rest := f.WriteString(content[half:])
		if err := errors.Join(err, rest, f.Close()); err != nil {
			t.Error(err)
		}
	}
	for name, content := range b.files {
		if !strings.HasSuffix(name, ".done") {
			write(name, content, random.IntN(4) == 0)
		}
	}
	if inner, has := b.files["inner/0.done"]; has {
		write("inner/0.done", inner, false)
	}
	write(b.trigger, "all of it", false)
}

// lookout is a partner that begins to work on a batch the moment its trigger appears.
type lookout struct {
	inbox   string
	batches []*batch
	end     chan struct{}
	running sync.WaitGroup
	begun   map[*batch]bool
	faults  []string
}

func startLookout(t *testing.T, inbox string, batches []*batch) *lookout {
	t.Helper()
	l := &lookout{inbox: inbox, batches: batches, end: make(chan struct{}), begun: map[*batch]bool{}}
	l.running.Go(func() {
		for {
			l.look()
			select {
			case <-l.end:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	return l
}

// look finds triggers, and then what they speak of.
func (l *lookout) look() {
	for _, b := range l.batches {
		if l.begun[b] {
			continue
		}
		if _, err := os.Lstat(filepath.Join(l.inbox, b.dir, b.trigger)); err != nil {
			continue
		}
		l.begun[b] = true
		for name, content := range b.files {
			got, err := os.ReadFile(filepath.Join(l.inbox, b.dir, name))
			if err != nil || string(got) != content {
				l.faults = append(l.faults, fmt.Sprintf("%s: the trigger is there, and %s is not: %d bytes, %v", b.dir, name, len(got), err))
			}
		}
	}
}

func (l *lookout) stop(t *testing.T) {
	t.Helper()
	close(l.end)
	l.running.Wait()
	for _, fault := range l.faults {
		t.Error(fault)
	}
}

// cameLast compares the times at which the server's files got their names.
func (b *batch) cameLast(t *testing.T, inbox string) {
	t.Helper()
	trigger, _, err := file.Lstat(filepath.Join(inbox, b.dir, b.trigger))
	if err != nil {
		t.Error(err)
		return
	}
	for name := range b.files {
		f, _, err := file.Lstat(filepath.Join(inbox, b.dir, name))
		if err != nil || f.ChangeTime > trigger.ChangeTime {
			t.Errorf("%s: %s came after the trigger: %v", b.dir, name, err)
		}
	}
}

// TestTriggersComeLast has batches arrive over a line that is cut, with an agent that is killed again and again. Whoever
// looks at the server sees each trigger when everything that it speaks of is there and whole.
func TestTriggersComeLast(t *testing.T) {
	t.Parallel()
	for _, lines := range map[string]string{
		"kept":       "",
		"archived":   "after = \"archive\"\narchive = \"archive\"\n",
		"sequential": "sequential = true\norder = \"mtime\"\n",
	} {
		name, _, _ := strings.Cut(strings.TrimSpace(lines)+" kept", " ")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			playBatches(t, lines, uint64(time.Now().UnixNano()))
		})
	}
}

func playBatches(t *testing.T, lines string, seed uint64) {
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	r := newRig(t, "")
	wire := sftptest.StartWire(t, r.sshd.Addr)
	r.outboxTo(sftptest.Through(wire, r.acme()),
		lines+"last = [\"*.done\", \"MANIFEST*\"]\nretry = { initial = \"20ms\", max = \"200ms\" }\nto = [\"acme:in\"]")
	inbox := r.inbox("in")
	batches := make([]*batch, 12)
	for i := range batches {
		batches[i] = newBatch(random, i)
	}
	theirs := filepath.Join(batches[5].dir, "data-held")
	batches[5].files["data-held"] = "ours"
	r.write(filepath.Join(inbox, theirs), "theirs")

	partner := startLookout(t, inbox, batches)
	stopped := false
	defer func() {
		if !stopped {
			close(partner.end)
			partner.running.Wait()
		}
	}()
	var producing sync.WaitGroup
	producing.Go(func() {
		random := rand.New(rand.NewPCG(seed, 1))
		for _, b := range batches {
			b.produce(t, r.outbox, random)
			time.Sleep(time.Duration(random.IntN(200)) * time.Millisecond)
		}
	})
	points := []string{"planned", "uploading:3", "verified:2", "committed:4", "published:3", "delivered:5", ""}
	for range 8 {
		if point := points[random.IntN(len(points))]; point != "" {
			r.env = append(r.env, "DROPFERRY_CRASH="+point)
		}
		a := r.start()
		r.env = nil
		if random.IntN(2) == 0 {
			wire.CutAfter(int64(random.IntN(500_000)))
		}
		select {
		case <-a.done:
		case <-time.After(time.Duration(300+random.IntN(900)) * time.Millisecond):
		}
		a.kill()
	}
	wire.CutAfter(-1)
	producing.Wait()
	a := r.watching()
	r.expect(0, "retry", "destination:acme") // after five cuts in a row it would be let alone for longer
	eventually(t, "all triggers but one are there", time.Minute, func() bool {
		n := 0
		for _, b := range batches {
			if _, err := os.Lstat(filepath.Join(inbox, b.dir, b.trigger)); err == nil {
				n++
			}
		}
		return n == len(batches)-1 || strings.Contains(lines, "sequential") && r.explain(filepath.Join(r.outbox, theirs)).State == "held"
	})
	waits := filepath.Join(r.outbox, batches[5].dir, batches[5].trigger)
	eventually(t, "the trigger of the batch with a file that is held waits", time.Minute, func() bool {
		e := r.explain(waits)
		return e.State == "waits" && strings.Contains(e.Reason, "it goes last, and waits for "+filepath.ToSlash(theirs)+", which is held: ")
	})
	if _, err := os.Lstat(filepath.Join(inbox, batches[5].dir, batches[5].trigger)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it did not wait: %v", err)
	}
	if w := r.status().Folders[0].Waiting; len(w) == 0 || w[len(w)-1].Rule != "last" || w[len(w)-1].State != "held" {
		t.Errorf("status: %+v", w)
	}
	if strings.Contains(lines, "sequential") {
		a.wait("strict order: what is behind " + filepath.ToSlash(theirs))
	} else {
		a.wait("it goes last, and waits for " + filepath.ToSlash(theirs))
	}
	if err := os.Remove(filepath.Join(inbox, theirs)); err != nil {
		t.Fatal(err)
	}
	r.expect(0, "retry", "folder:outbox")
	eventually(t, "everything is there", time.Minute, func() bool {
		got := tree(t, inbox)
		for _, b := range batches {
			if _, there := got[filepath.Join(b.dir, b.trigger)]; !there {
				return false
			}
		}
		return true
	})
	eventually(t, "nothing is left to do", 20*time.Second, r.planIsEmpty)
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	stopped = true
	partner.stop(t)
	receipts := map[string]int{}
	for _, d := range r.history() {
		receipts[d.Path]++
	}
	for _, b := range batches {
		b.cameLast(t, inbox)
		for name := range b.files {
			if n := receipts[b.dir+"/"+name]; n != 1 {
				t.Errorf("%s/%s has %d receipts", b.dir, name, n)
			}
		}
	}
}

// TestOnceWithATrigger sends a trigger in the run that sends the rest, and not in one that leaves something behind.
func TestOnceWithATrigger(t *testing.T) {
	t.Parallel()
	r := newRig(t, "last = [\"*.done\"]\nto = [\"acme:in\"]")
	r.write(r.inbox("in/d/b"), "theirs")
	for _, name := range []string{"d/0.done", "d/a", "d/b", "e/0.done", "e/c", "z"} {
		r.drop(name, name)
	}
	var p planJSON
	eventually(t, "all but one would be sent", 10*time.Second, func() bool { p = r.plan(0); return len(p.Waiting) <= 1 })
	if len(p.Waiting) != 1 || p.Waiting[0].Path != "d/0.done" || p.Waiting[0].Reason != "last" || !strings.HasPrefix(p.Waiting[0].Detail, "it goes last, and waits for d/b, which is held: ") {
		t.Errorf("waiting: %+v", p.Waiting)
	}
	if n := len(p.Operations); n != 5 || p.Operations[n-1].Path != "e/0.done" || p.Operations[n-1].Op != "upload" {
		t.Errorf("operations: %+v", p.Operations)
	}
	contains(t, r.expect(0, "plan").stdout, "wait    outbox: d/0.done -> acme (it goes last, and waits for d/b, which is held")
	events, summary := r.once(3)
	if summary.Delivered != 4 || summary.Held != 1 || summary.Failed != 1 {
		t.Errorf("once: %+v", summary)
	}
	told := false
	for _, e := range events {
		told = told || e.Type == "waits" && e.Path == "d/0.done" && strings.Contains(e.Reason, "d/b, which is held")
	}
	if !told {
		t.Errorf("once does not say what waits: %v", types(events))
	}
	if e := r.explain(filepath.Join(r.outbox, "d/0.done")); e.State != "waits" || e.Routes[0].ID == "" {
		t.Errorf("explain: %+v", e)
	}
	if err := os.Remove(r.inbox("in/d/b")); err != nil {
		t.Fatal(err)
	}
	r.expect(0, "retry", e2eHeld(r))
	r.deliver(2)
	if got := inOrder(t, r.inbox("in/d")); got[len(got)-1] != "0.done" {
		t.Errorf("they have come as %q", got)
	}
	// A file that still grows when the run ends.
	r.drop("f/0.done", "")
	f, err := os.OpenFile(filepath.Join(r.mkdir("outbox/f"), "grows"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, summary = r.once(3)
	if summary.Unsettled+summary.Failed != 2 || summary.Delivered != 0 { // settled or not when the scan came, it was written to
		t.Errorf("with a file that is being written: %+v", summary)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	r.deliver(2)
}

// e2eHeld returns the id of the one file that is held.
func e2eHeld(r *rig) string {
	r.t.Helper()
	return r.explain(filepath.Join(r.outbox, "d/b")).Routes[0].ID
}
