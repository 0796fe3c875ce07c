package syncer

import (
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// inTurn is a server that refuses WRITEs that come together, and takes so long for each that a busy machine sends the next
// meanwhile.
func inTurn() []sftptest.Fault {
	return []sftptest.Fault{sftptest.WritesInTurn(), sftptest.SlowAcks(100 * time.Millisecond)}
}

// TestServerThatWritesInTurn refuses WRITEs that come together: the next attempt asks for one thing at a time, and when that
// has helped twice, so do all others, in later sessions too.
func TestServerThatWritesInTurn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	limits := &sftptest.Limits{Packet: 262144, Read: 261120, Write: 261120}
	s := r.to("acme", sftptest.ServerOptions{Limits: limits}, inTurn()...)
	content := strings.Repeat("large", 100_000)
	for n, name := range []string{"a", "b", "c", "d"} {
		r.drop(name, content)
		r.deliver(name)
		r.arrived(s, name, content)
		r.stop()
		if got, want := r.events.count(EventFailed), min(n+1, 2); got != want {
			t.Errorf("%d attempts have failed after %s, want %d", got, name, want)
		}
		if got, want := r.learned("acme").Refusals, min(n+1, 2); got != want {
			t.Errorf("%d refusals are known after %s, want %d", got, name, want)
		}
	}
}

// TestAFailureThatPasses is no reason to be careful for long.
func TestAFailureThatPasses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{})
	content := strings.Repeat("large", 100_000)
	for _, name := range []string{"a", "b", "c"} {
		s.Faults.Add(sftptest.Refuse(sftptest.OpWrite, sftptest.Failure).On("." + name + ".*").Once())
		r.drop(name, content)
		r.deliver(name)
		r.drop(name+" after it", content)
		r.deliver(name + " after it")
		r.stop()
		if got := r.learned("acme"); got.Refusals != 0 {
			t.Errorf("%d refusals are known after %s", got.Refusals, name)
		}
	}
	if n := r.events.count(EventFailed); n != 3 {
		t.Errorf("%d attempts have failed, want 3", n)
	}
}

// TestRefusedForGood parks the file after three attempts, and the others go on as ever.
func TestRefusedForGood(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{}, sftptest.Refuse(sftptest.OpWrite, sftptest.Failure).On(".a.*"))
	content := strings.Repeat("large", 100_000)
	r.drop("a", content)
	r.drop("b", content)
	r.start()
	r.scan()
	r.await(EventParked, "a", "acme")
	r.await(EventDelivered, "b", "acme")
	r.stop()
	if n := r.events.count(EventFailed); n != 2 {
		t.Errorf("%d attempts have failed before the last, want 2", n)
	}
	if got := r.learned("acme"); got.Refusals != 0 {
		t.Errorf("%d refusals are known", got.Refusals)
	}
	r.arrived(s, "b", content)
}

// TestPutToAServerThatWritesInTurn takes two attempts.
func TestPutToAServerThatWritesInTurn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{}, inTurn()...)
	content := strings.Repeat("large", 100_000)
	r.drop("a", content)
	if _, err := putOf(r, s, "a").Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.arrived(s, "a", content)
	if n := r.events.count(EventFailed); n != 1 {
		t.Errorf("%d attempts have failed, want 1", n)
	}
}
