package syncer

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dropferry/dropferry/remote"
)

func TestConnectWait(t *testing.T) {
	retry := Retry{Initial: time.Second, Max: 5 * time.Minute}
	quick := Retry{Initial: time.Millisecond, Max: 2 * time.Millisecond}
	for _, row := range []struct {
		name        string
		kind        remote.Kind
		retry       Retry
		n           int
		once        bool
		least, most time.Duration
	}{
		{"the line is down", remote.Transient, retry, 1, false, 100 * time.Millisecond, time.Second},
		{"the line is down for long", remote.Transient, retry, 20, false, 30 * time.Second, 5 * time.Minute},
		{"a wrong password is tried again after half an hour", remote.Auth, retry, 1, false, 30 * time.Minute, 30 * time.Minute},
		{"and then hourly", remote.Auth, retry, 2, false, time.Hour, time.Hour},
		{"and no less often", remote.Auth, retry, 100, false, time.Hour, time.Hour},
		{"a host key is looked at every minute", remote.HostKey, retry, 3, false, time.Minute, time.Minute},
		{"so are algorithms", remote.Algorithms, retry, 3, false, time.Minute, time.Minute},
		{"room is asked for every minute", remote.DiskFull, retry, 9, false, time.Minute, time.Minute},
		{"so is the root", remote.Root, retry, 1, false, time.Minute, time.Minute},
		{"or more often where the folder is impatient", remote.DiskFull, quick, 1, false, 2 * time.Millisecond, 2 * time.Millisecond},
		{"once waits a little", remote.Transient, retry, 1, true, time.Second, time.Second},
		{"and a little longer", remote.Transient, retry, 2, true, 2 * time.Second, 2 * time.Second},
		{"and never longer than the folder says", remote.Transient, quick, 2, true, 2 * time.Millisecond, 2 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			for range 100 {
				got := connectWait(row.kind, row.retry, row.n, row.once, rand.New(rand.NewPCG(rand.Uint64(), 2)))
				if got < row.least || got > row.most {
					t.Fatalf("%v, want %v to %v", got, row.least, row.most)
				}
			}
		})
	}
}

func TestPatience(t *testing.T) {
	down := &remote.Error{Kind: remote.Transient, Err: errors.New("down")}
	denied := &remote.Error{Kind: remote.Auth, Err: errors.New("denied")}
	var p patience
	for i, step := range []struct {
		err  error
		want int
	}{
		{down, 1},
		{down, 2},
		{errors.New("the store"), 3},
		{denied, 1}, // a bad line does not make a wrong password older
		{denied, 2},
		{down, 1},
	} {
		if got := p.failed(step.err); got != step.want {
			t.Errorf("failure %d, %v: %d in a row, want %d", i, step.err, got, step.want)
		}
	}
	p.reset()
	if got := p.failed(down); got != 1 {
		t.Errorf("after a success: %d in a row, want 1", got)
	}
}

func TestLinkRetryIsTheMostPatient(t *testing.T) {
	to := func(destination string, longest time.Duration) *Folder {
		return &Folder{Routes: []Route{{Destination: destination}}, Retry: Retry{Initial: time.Second, Max: longest}}
	}
	folders := []*Folder{to("acme", time.Minute), to("acme", time.Hour), to("other", 24*time.Hour)}
	if got := linkRetry("acme", folders).Max; got != time.Hour {
		t.Errorf("longest wait %v, want 1h", got)
	}
	if got := linkRetry("nobody's", folders); got.Initial <= 0 || got.Max <= 0 {
		t.Errorf("a destination of no folder is retried by %+v", got)
	}
}
