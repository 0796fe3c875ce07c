package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errTest = errors.New("nobody answers")

// sink is a Sender that a test looks into.
type sink struct {
	mu   sync.Mutex
	got  []Message
	fail func(n int) error // the n-th attempt, from 0
	hang bool              // until the context ends
	n    int
}

func (s *sink) Send(ctx context.Context, m *Message) error {
	s.mu.Lock()
	n, fail := s.n, s.fail
	s.n++
	s.mu.Unlock()
	if s.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if fail != nil {
		if err := fail(n); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, *m)
	return nil
}

// failing makes it fail from now on.
func (s *sink) failing() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = func(int) error { return errTest }
}

func (s *sink) messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

func (s *sink) attempts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func receiver(name string, s Sender) Receiver {
	return Receiver{Name: name, On: Events(), Repeat: 24 * time.Hour, Interval: 30 * time.Second, Timeout: 10 * time.Second, Sender: s}
}

// running starts a notifier; stop ends it in the usual way.
func running(t *testing.T, m Memory, log *slog.Logger, receivers ...Receiver) (n *Notifier, stop func()) {
	t.Helper()
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	n, err := New(t.Context(), Options{Agent: "erp", Receivers: receivers, Memory: m, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); n.Run(t.Context()) }()
	return n, func() { n.Close(); <-done }
}

// A receiver that hangs delays neither the others nor those who tell, and one message is under way to it at a time.
func TestASlowReceiverDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead, alive := &sink{hang: true}, &sink{}
		n, stop := running(t, &memory{}, nil, receiver("dead", dead), receiver("alive", alive))
		before := time.Now()
		for i := range 10 * mostQueued {
			n.Raise(parked(fmt.Sprint(i)))
		}
		if took := time.Since(before); took != 0 {
			t.Errorf("to tell took %s", took)
		}
		time.Sleep(gather + time.Second)
		if len(alive.messages()) != 1 || dead.attempts() != 1 {
			t.Errorf("%d messages, %d attempts", len(alive.messages()), dead.attempts())
		}
		time.Sleep(time.Minute)
		got := 0
		for _, m := range alive.messages() {
			got += len(m.Alerts) + m.Omitted
		}
		if got != 10*mostQueued {
			t.Errorf("%d alerts, of %d", got, 10*mostQueued)
		}
		stop()
		if len(n.posts[0].desk.Queue) > mostQueued {
			t.Errorf("%d wait", len(n.posts[0].desk.Queue))
		}
	})
}

func TestABurstMakesOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		n, stop := running(t, &memory{}, nil, receiver("ops", s))
		start := time.Now()
		for i := range 5 {
			n.Raise(parked(fmt.Sprint(i)))
		}
		time.Sleep(gather + 1)
		if m := s.messages(); len(m) != 1 || len(m[0].Alerts) != 5 || m[0].Agent != "erp" || m[0].SentAt.Sub(start) != gather {
			t.Fatalf("%+v", m)
		}
		for i := range 20 { // one every two seconds
			n.Raise(blocked(fmt.Sprint(i)))
			time.Sleep(2 * time.Second)
		}
		time.Sleep(time.Minute)
		if m := s.messages(); len(m) != 3 {
			t.Errorf("%d messages in a minute and a half", len(m))
		}
		stop()
	})
}

func TestAFailedMessageIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &sink{fail: func(n int) error {
			if n < 5 {
				return errTest
			}
			return nil
		}}
		n, stop := running(t, &memory{}, slog.New(slog.NewTextHandler(&log, nil)), receiver("ops", s))
		n.Raise(blocked("acme"))
		time.Sleep(time.Hour)
		if m := s.messages(); s.attempts() != 6 || len(m) != 1 || len(m[0].Alerts) != 1 {
			t.Errorf("%d attempts, messages %+v", s.attempts(), m)
		}
		stop()
		if text := log.String(); strings.Count(text, "could not be sent") != 1 || strings.Count(text, "again") != 2 || !strings.Contains(text, "nobody answers") {
			t.Errorf("the log says\n%s", text)
		}
	})
}

// What has reached some of its receivers is not sent again to them.
func TestAMessageThatHasArrivedInPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &sink{fail: func(int) error { return &partlyError{errTest} }}
		n, stop := running(t, &memory{}, slog.New(slog.NewTextHandler(&log, nil)), receiver("ops", s))
		n.Raise(blocked("acme"))
		time.Sleep(time.Hour)
		stop()
		if text := log.String(); s.attempts() != 1 || strings.Count(text, "has not reached all") != 1 || !strings.Contains(text, "nobody answers") {
			t.Errorf("%d attempts; the log says\n%s", s.attempts(), text)
		}
	})
}

// What was told before a restart is not told again, its end is told, and what could not be sent is sent.
func TestARestartForgetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &memory{}
		first := &sink{}
		n, stop := running(t, kept, nil, receiver("ops", first))
		n.Raise(blocked("acme"))
		time.Sleep(time.Minute)
		first.failing()
		n.Raise(parked("a"))
		time.Sleep(time.Minute)
		stop()

		second := &sink{}
		n, stop = running(t, kept, nil, receiver("ops", second))
		if open := n.Open(); len(open) != 2 {
			t.Errorf("open are %q", open)
		}
		n.Raise(blocked("acme"))
		n.Clear("destination:acme", Alert{Text: "connected"})
		time.Sleep(time.Minute)
		var all []Alert
		for _, m := range second.messages() {
			all = append(all, m.Alerts...)
		}
		want(t, words(all), "parked: in/a to acme", "recovered (blocked): destination acme")
		stop()
	})
}

func TestWhatIsRememberedIsWrittenRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &memory{}
		n, stop := running(t, kept, nil, receiver("ops", &sink{}))
		for i := range 1000 {
			n.Raise(parked(fmt.Sprint(i)))
			time.Sleep(10 * time.Millisecond)
		}
		stop()
		if kept.writes > 5 {
			t.Errorf("%d writes in ten seconds", kept.writes)
		}
	})
}

// An agent that ends tries once more, and waits no longer than one attempt takes.
func TestCloseSendsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dead := &sink{}, &sink{hang: true}
		n, stop := running(t, &memory{}, nil, receiver("ops", s), receiver("dead", dead))
		for i := range mostQueued {
			n.Raise(parked(fmt.Sprint(i)))
		}
		before := time.Now()
		stop()
		if m := s.messages(); len(m) != 2 {
			t.Errorf("%d messages", len(m))
		}
		if took := time.Since(before); took > 10*time.Second {
			t.Errorf("to end took %s", took)
		}
	})
}

func TestAMemoryOfAnotherVersion(t *testing.T) {
	kept := &memory{values: map[string]string{memoryKey("ops"): `{"open": 7}`}}
	n, err := New(t.Context(), Options{Receivers: []Receiver{receiver("ops", &sink{})}, Memory: kept, Log: slog.New(slog.DiscardHandler)})
	if err != nil || len(n.Open()) != 0 {
		t.Errorf("%v, open %q", err, n.Open())
	}
}
