package syncer

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/dropferry/dropferry/remote"
)

// droppedError is what remote.Dial returns where a server closes the connection before the login.
func droppedError(t *testing.T) error {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		if c, err := listener.Accept(); err == nil {
			_ = c.Close() // as tcpd does
		}
	}()
	_, err = remote.Dial(context.Background(), remote.Target{
		Name: "acme", Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, User: "u",
		Password: func() (string, error) { return "secret", nil }, ConnectTimeout: 10 * time.Second,
	})
	_ = listener.Close() // nobody else connects
	<-closed
	if !remote.DroppedBeforeLogin(err) {
		t.Fatalf("not dropped: %v", err)
	}
	return err
}

func TestConnectWait(t *testing.T) {
	retry := Retry{Initial: time.Second, Max: 5 * time.Minute}
	quick := Retry{Initial: time.Millisecond, Max: 2 * time.Millisecond}
	patient := Retry{Initial: 2 * time.Minute, Max: time.Hour}
	failures := func(n int) patience { return patience{failures: n, tries: n} }
	connects := func(n int) patience { return patience{failures: n, connects: n, tries: n} }
	dropped := func(n int) patience { return patience{failures: n, connects: n, dropped: true} }
	for _, row := range []struct {
		name        string
		kind        remote.Kind
		retry       Retry
		p           patience
		once        bool
		least, most time.Duration
	}{
		{"the line is down", remote.Transient, retry, connects(1), false, 100 * time.Millisecond, time.Second},
		{"four times in a row", remote.Transient, retry, connects(4), false, 800 * time.Millisecond, 8 * time.Second},
		{"the breaker opens", remote.Transient, quick, connects(5), false, time.Minute, time.Minute},
		{"and opens again after each probe", remote.Transient, quick, connects(6), false, time.Minute, time.Minute},
		{"sessions that are lost open no breaker", remote.Transient, quick, failures(20), false, 200 * time.Microsecond, 2 * time.Millisecond},
		{"the line is down for long", remote.Transient, retry, connects(20), false, time.Minute, 5 * time.Minute},
		{"the folder is more patient than the breaker", remote.Transient, patient, connects(5), false, 192 * time.Second, 32 * time.Minute},
		{"shut out before the login", remote.Transient, retry, dropped(1), false, 20 * time.Second, 20 * time.Second},
		{"shut out before the login again and again", remote.Transient, retry, dropped(5), false, time.Minute, time.Minute},
		{"a wrong password is tried again after half an hour", remote.Auth, retry, failures(1), false, 30 * time.Minute, 30 * time.Minute},
		{"and then hourly", remote.Auth, retry, failures(2), false, time.Hour, time.Hour},
		{"and no less often", remote.Auth, retry, failures(100), false, time.Hour, time.Hour},
		{"a host key is looked at every minute", remote.HostKey, retry, failures(3), false, time.Minute, time.Minute},
		{"so are algorithms", remote.Algorithms, retry, failures(3), false, time.Minute, time.Minute},
		{"room is asked for every minute", remote.DiskFull, retry, failures(9), false, time.Minute, time.Minute},
		{"so is the root", remote.Root, retry, failures(1), false, time.Minute, time.Minute},
		{"or more often where the folder is impatient", remote.DiskFull, quick, failures(1), false, 2 * time.Millisecond, 2 * time.Millisecond},
		{"once waits a little", remote.Transient, retry, connects(1), true, time.Second, time.Second},
		{"and a little longer", remote.Transient, retry, connects(2), true, 2 * time.Second, 2 * time.Second},
		{"and never longer than the folder says", remote.Transient, quick, connects(2), true, 2 * time.Millisecond, 2 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := &remote.Error{Kind: row.kind, Err: errors.New("no")}
			for range 100 {
				p := row.p
				got := connectWait(err, row.retry, &p, row.once, rand.New(rand.NewPCG(rand.Uint64(), 2)))
				if got < row.least || got > row.most {
					t.Fatalf("%v, want %v to %v", got, row.least, row.most)
				}
				if stored := row.kind == remote.Transient && !row.once; stored && got > longestWait(row.retry) {
					t.Fatalf("%v is longer than the longest wait", got)
				}
			}
		})
	}
	local := remote.CheckSecrets(remote.Target{Name: "acme", KeyFile: t.TempDir() + "/nowhere"})
	if got := connectWait(local, retry, &patience{failures: 7}, false, nil); got != time.Minute {
		t.Errorf("a key that is missing here is looked for after %v", got)
	}
}

func TestPatience(t *testing.T) {
	down := &remote.Error{Op: "connect", Kind: remote.Transient, Err: errors.New("down")}
	denied := &remote.Error{Op: "connect", Kind: remote.Auth, Err: errors.New("denied")}
	shutOut := droppedError(t)
	const connected = true
	var p patience
	for i, step := range []struct {
		err       error
		connected bool
		want      patience
	}{
		{down, false, patience{failures: 1, connects: 1, tries: 1}},
		{down, false, patience{failures: 2, connects: 2, tries: 2}},
		{shutOut, false, patience{failures: 3, connects: 3, dropped: true, tries: 3}},
		{io.EOF, connected, patience{failures: 4, tries: 4}}, // it could be dialled, and the waits still grow
		{down, false, patience{failures: 5, connects: 1, tries: 5}},
		{denied, false, patience{failures: 1, person: true, tries: 6}}, // a bad line does not make a wrong password older
		{denied, false, patience{failures: 2, person: true, tries: 7}},
		{down, false, patience{failures: 1, connects: 1, tries: 8}},
	} {
		if p.failed(step.err, step.connected); p != step.want {
			t.Errorf("failure %d, %v: %+v, want %+v", i, step.err, p, step.want)
		}
	}
	p.reset()
	if p.failed(down, false); p.failures != 1 {
		t.Errorf("after a success: %+v", p)
	}
}

// TestProgress counts what the server has acknowledged, and no time in which nothing moved.
func TestProgress(t *testing.T) {
	type sign struct {
		id   string
		sent int64 // MiB
		at   time.Duration
	}
	for _, row := range []struct {
		name  string
		signs []sign
		want  bool
	}{
		{"nothing", nil, false},
		{"what may all be in flight", []sign{{"a", 1, 0}, {"a", 4, 50 * time.Second}, {"a", 5, 100 * time.Second}}, false},
		{"a minute of it", []sign{{"a", 1, 0}, {"a", 6, 10 * time.Second}, {"a", 9, 40 * time.Second}, {"a", 12, 70 * time.Second}}, true},
		{"not quite", []sign{{"a", 1, 0}, {"a", 6, 10 * time.Second}, {"a", 9, 40 * time.Second}, {"a", 12, 69 * time.Second}}, false},
		{"many files for a moment each", []sign{{"a", 1, 0}, {"b", 1, time.Minute}, {"c", 1, 2 * time.Minute}}, false},
		{"two at once", []sign{{"a", 1, 0}, {"b", 1, 0}, {"a", 6, 10 * time.Second}, {"b", 6, 50 * time.Second}, {"a", 9, 80 * time.Second}}, true},
		{"an upload that goes on from far", []sign{{"a", 9000, 0}, {"a", 9001, 70 * time.Second}}, false},
		{"silence between", []sign{{"a", 1, 0}, {"a", 6, 10 * time.Second}, {"b", 1, time.Hour}, {"b", 6, time.Hour + time.Second}}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			var p progress
			noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			for _, s := range row.signs {
				p.note(s.id, s.sent<<20, noon.Add(s.at))
			}
			if got := p.lasts(); got != row.want {
				t.Errorf("%t after %v, want %t", got, p.total, row.want)
			}
		})
	}
}
