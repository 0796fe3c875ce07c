package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// planned returns the operations of a plan as "op path reason", in order.
func planned(p planJSON) []string {
	all := []string{}
	for _, o := range p.Operations {
		all = append(all, o.Op+" "+o.Path+" "+o.Reason)
	}
	slices.Sort(all)
	return all
}

func wantPlan(t *testing.T, p planJSON, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := planned(p); !slices.Equal(got, want) {
		t.Errorf("planned %q, want %q", got, want)
	}
}

// TestPlanSaysWhatOnceWouldDo compares plan and once, and the world before and after a plan.
func TestPlanSaysWhatOnceWouldDo(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in/{yyyy}"]`)
	year := time.Now().UTC().Format("2006")
	r.drop("new.txt", "new")
	r.drop("sub/theirs.txt", "ours")
	r.drop("half.part", "not sent")
	r.write(r.inbox("in/"+year+"/sub/theirs.txt"), "somebody else's")
	before, beforeRemote := names(t, r.dir), tree(t, r.sshd.Dir)
	old := func() { // no file is settling any more
		r.settled(0)
	}
	old()

	p := r.plan(0)
	wantPlan(t, p, "upload new.txt new", "hold sub/theirs.txt conflict")
	for _, o := range p.Operations {
		if o.Folder != "outbox" || o.Destination != "acme" || o.RemotePath != r.sshd.Dir+"/in/"+year+"/"+o.Path {
			t.Errorf("operation: %+v", o)
		}
		if o.Op == "hold" && !strings.Contains(o.Detail, "did not put there") {
			t.Errorf("the conflict says %q", o.Detail)
		}
	}
	text := r.expect(0, "plan").stdout
	contains(t, text, "upload", "outbox: new.txt -> acme:"+r.sshd.Dir+"/in/"+year+"/new.txt (3 B, new)", "hold", "conflict")
	if after := names(t, r.dir); !slices.Equal(before, after) {
		t.Errorf("plan has changed what is here: %q", after)
	}
	if after := tree(t, r.sshd.Dir); !maps.Equal(beforeRemote, after) {
		t.Errorf("plan has changed what is there: %q", after)
	}

	all, summary := r.once(3)
	if summary.Delivered != 1 || summary.Held != 1 {
		t.Errorf("once did otherwise: %q %+v", types(all), summary)
	}
	wantPlan(t, r.plan(0), "hold sub/theirs.txt held")

	r.drop("new.txt", "NEW") // the same size
	old()
	wantPlan(t, r.plan(0), "upload new.txt changed", "hold sub/theirs.txt held")
	r.drop("new.txt", "new") // as it was delivered
	old()
	wantPlan(t, r.plan(0), "hold sub/theirs.txt held")
	stateBefore := tree(t, r.state)
	r.plan(0)
	if !maps.Equal(stateBefore, tree(t, r.state)) {
		t.Error("plan has changed the store")
	}
}

func TestPlanOfSettlingFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	r.configureWith(`stable_for = "1m"`, r.acme()+r.folder("outbox", r.outbox, `to = ["acme"]`))
	r.drop("fresh.txt", "x")
	p := r.plan(0)
	if len(p.Operations) != 0 || len(p.Waiting) != 1 {
		t.Fatalf("plan: %+v", p)
	}
	w := p.Waiting[0]
	if w.Folder != "outbox" || w.Path != "fresh.txt" || w.Reason != "settling" || w.Size != 1 || w.Detail == "" ||
		w.Until == nil || time.Until(*w.Until) > time.Minute || time.Until(*w.Until) < 30*time.Second {
		t.Errorf("waiting: %+v", w)
	}
	contains(t, r.expect(0, "plan").stdout, "wait", "fresh.txt", "until ")
}

func TestPlanOfAMirror(t *testing.T) {
	t.Parallel()
	r := newRig(t, "mode = \"mirror\"\nto = [\"acme:copy\"]")
	for _, name := range []string{"same.txt", "other.txt"} {
		r.drop(name, "ours, here")
	}
	r.drop("new.txt", "new")
	r.write(r.inbox("copy/same.txt"), "ours, here")
	r.write(r.inbox("copy/other.txt"), "not ours!!") // of the same size
	r.write(r.inbox("copy/theirs.txt"), "there only")
	for _, dir := range []string{r.outbox, r.inbox("copy")} {
		age(t, filepath.Join(dir, "same.txt"), time.Hour)
	}
	age(t, r.inbox("copy/other.txt"), time.Hour)
	r.settled(0)
	wantPlan(t, r.plan(0), "adopt same.txt same-content", "hold other.txt conflict", "upload new.txt new")
	if _, err := os.Stat(r.state); err == nil {
		t.Error("plan has made the state directory")
	}
	// What once has found out about the server, plan uses later: the same bytes of another time.
	r.once(3)
	r.drop("late.txt", "late bytes")
	r.write(r.inbox("copy/late.txt"), "late bytes")
	age(t, r.inbox("copy/late.txt"), time.Hour)
	r.settled(0)
	wantPlan(t, r.plan(0), "adopt late.txt same-content", "hold other.txt held")
}

// TestPlanSaysWhatItDoesNotKnow of files that stand at a server which was never probed, and of those at one that does not hash.
func TestPlanSaysWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{NoExec: true})
	r.outboxTo(r.acme(), "mode = \"mirror\"\nto = [\"acme:copy\"]")
	said := func(name string) string {
		t.Helper()
		r.drop(name, "the same bytes")
		r.write(r.inbox("copy/"+name), "the same bytes")
		age(t, r.inbox("copy/"+name), time.Hour)
		r.settled(0)
		for _, o := range r.plan(0).Operations {
			if o.Path == name {
				if o.Op != "hold" || o.Reason != "conflict" {
					t.Errorf("%s: %+v", name, o)
				}
				return o.Detail
			}
		}
		t.Fatalf("%s is not planned", name)
		return ""
	}
	const unknown = "whether its content is the same is not known"
	contains(t, said("a.txt"), "did not put there", unknown, "dropferry once")
	contains(t, r.expect(0, "plan").stdout, unknown)
	if all, _ := r.once(0); len(all) != 1 || all[0].Type != "adopted" { // which has read it back
		t.Errorf("events: %+v", all)
	}
	contains(t, said("b.txt"), unknown, "the server does not hash", "reads nothing back")
}

// TestFirstPlanOfAMirrorComparesContent holds that the first plan says what once then does, of files whose time tells
// nothing.
func TestFirstPlanOfAMirrorComparesContent(t *testing.T) {
	t.Parallel()
	r := newRig(t, "mode = \"mirror\"\nto = [\"acme:copy\"]")
	r.drop("same.txt", "the same bytes")
	r.write(r.inbox("copy/same.txt"), "the same bytes")
	age(t, r.inbox("copy/same.txt"), time.Hour)
	r.settled(0)
	wantPlan(t, r.plan(0), "adopt same.txt same-content")
	if all, _ := r.once(0); !slices.Equal(types(all), []string{"adopted"}) {
		t.Errorf("once did %q", types(all))
	}
}

// TestPlanWithoutTheServer gives what can be said here, and 14.
func TestPlanWithoutTheServer(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	r.drop("a.txt", "a")
	r.settled(0)
	r.sshd.Stop()
	p := r.plan(14)
	wantPlan(t, p, "upload a.txt new")
	if !strings.Contains(p.Unreached["acme"], "connection refused") {
		t.Errorf("unreached: %q", p.Unreached)
	}
	got := r.expect(14, "plan")
	contains(t, got.stdout, "upload", "a.txt")
	contains(t, got.stderr, "acme could not be looked at", "connection refused")
	if _, err := os.Stat(r.state); err == nil {
		t.Error("plan has made the state directory")
	}
}

// TestPlanOfSeveralFolders plans the folders that can be read, and says which cannot.
func TestPlanOfSeveralFolders(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	second := r.mkdir("second")
	r.configure(r.acme() + r.folder("away", r.at("away"), `to = ["acme:away"]`) + r.folder("outbox", r.outbox, `to = ["acme:in"]`) +
		r.folder("second", second, `to = ["acme:second"]`))
	r.drop("a.txt", "a")
	r.write(filepath.Join(second, "b.txt"), "b")
	eventually(t, "nothing settles", 10*time.Second, func() bool {
		return len(r.plan(0, "--folder", "outbox", "--folder", "second").Waiting) == 0
	})
	wantPlan(t, r.plan(0, "--folder", "second"), "upload b.txt new")
	p := r.plan(3)
	wantPlan(t, p, "upload a.txt new", "upload b.txt new")
	contains(t, r.expect(3, "plan").stderr, "folder away", "no such file or directory")
}

// TestPlanBesideARunningAgent asks the agent, and disturbs nothing.
func TestPlanBesideARunningAgent(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	r.drop("a.txt", "a")
	r.write(r.inbox("in/b.txt"), "theirs")
	a := r.watching()
	awaitTree(t, r.sshd.Dir, 10*time.Second, map[string]string{"in/a.txt": "a", "in/b.txt": "theirs"})
	r.drop("b.txt", "ours")
	a.wait("held: a person has to decide")
	wantPlan(t, r.plan(0), "hold b.txt held")
	wantPlan(t, r.plan(0, "--folder", "outbox"), "hold b.txt held")
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
