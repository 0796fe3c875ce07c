package syncer

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
)

// TestAServerThatLetsNothingGoOn gets a file from the beginning after a cut.
func TestAServerThatLetsNothingGoOn(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		refuses sftptest.Fault
		learned bool
	}{
		"and says so":     {sftptest.RefuseResume(), true},
		"says no reason":  {sftptest.Fault{Op: sftptest.OpOpen, Path: ".a.*", After: 1, Times: refusalsBeforeParking, Err: sftptest.Failure}, false},
		"denies it":       {sftptest.Fault{Op: sftptest.OpOpen, Path: ".a.*", After: 1, Times: permissionsBeforeParking, Err: sftptest.PermissionDenied}, false},
		"nor be asked":    {sftptest.Refuse(sftptest.OpStat, sftptest.Unsupported).On(".a.*").Once(), true},
		"refuses a WRITE": {sftptest.Fault{Op: sftptest.OpWrite, Path: ".a.*", After: 25, Times: refusalsBeforeParking, Err: sftptest.Failure}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.folder.CheckpointBytes = 256 << 10
			s := r.to("acme", sftptest.ServerOptions{})
			r.warm()
			s.Faults.Add(row.refuses, sftptest.CutOn(sftptest.OpWrite).On(".a.*").Skip(20))
			content := large(2 << 20)
			r.drop("a", content)
			r.deliver("a")
			r.stop()
			r.wantInbox("acme", map[string]string{"x": "warm", "a": content})
			if n := len(r.events.of(EventParked)); n > 0 {
				t.Errorf("parked %d times", n)
			}
			if got := r.learned("acme").NoResume; got != row.learned {
				t.Errorf("learned: %v", got)
			}
		})
	}
}

// TestAReadOnlyRootParksNothing has the server refuse every file from one moment on: the destination waits.
func TestAReadOnlyRootParksNothing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]error{"denied": sftptest.PermissionDenied, "refused": sftptest.Failure} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.to("acme", sftptest.ServerOptions{})
			r.warm()
			s.Faults.Add(sftptest.Refuse(sftptest.OpOpen, answer))
			want := map[string]string{"x": "warm"}
			var names []string
			for i := range 20 {
				name := fmt.Sprint(i)
				r.drop(name, "content "+name)
				want[name], names = "content "+name, append(names, name)
			}
			r.start()
			r.scan()
			r.eventually("the destination waits for its root", func() bool {
				for _, e := range r.events.of(EventLost) {
					if remote.KindOf(e.Err) == remote.Root {
						return true
					}
				}
				return false
			})
			s.Faults.Clear()
			r.deliver(names...)
			r.stop()
			r.wantInbox("acme", want)
			if n := len(r.events.of(EventParked)); n > 0 {
				t.Errorf("%d files are parked", n)
			}
		})
	}
}

// TestOneFullDiskIsThatOfAll has a file refused without a reason when another has shown that there is no room: its temp was
// removed meanwhile, so that there is some again.
func TestOneFullDiskIsThatOfAll(t *testing.T) {
	t.Parallel()
	o := &outcome{err: &remote.Error{Op: "put", Kind: remote.Refused, Err: errors.New("Failure")}}
	tr := &trouble{alike: map[remote.Kind]int{remote.Refused: refusalsBeforeParking}}
	full := problem("put", "b", remote.DiskFull, errors.New("full"))
	for name, row := range map[string]struct {
		last, paused error
		want         action
	}{
		"in this session":                     {nil, full, pause},
		"and nothing has arrived since":       {full, nil, pause},
		"the destination waits for its root":  {nil, problem("put", "b", remote.Root, errors.New("gone")), setAside},
		"there was room for all that arrived": {nil, nil, setAside},
	} {
		l := &link{full: row.last}
		if v := judgeFailure(o.err, true, failedWith(o, tr, l.isFull(&workload{pause: row.paused})), Retry{}, nil); v.action != row.want {
			t.Errorf("%s: %s, want %s", name, v.action, row.want)
		}
	}
}

// TestProgressForgives counts failures of a kind as long as no attempt comes further than those before it.
func TestProgressForgives(t *testing.T) {
	t.Parallel()
	tr := &trouble{}
	for n, row := range []struct {
		kind    remote.Kind
		reached int64
		further bool
		alike   int
	}{
		{remote.Missing, 0, false, 1},
		{remote.Refused, 0, false, 1},
		{remote.Refused, 64, true, 1},
		{remote.Refused, 64, false, 2},
		{remote.Refused, 0, false, 3},
		{remote.Missing, 0, false, 1},
		{remote.Refused, 128, true, 1},
	} {
		further := tr.count(&outcome{reached: row.reached, err: problem("put", "a", row.kind, errors.New("no"))})
		if further != row.further || tr.alike[row.kind] != row.alike {
			t.Errorf("%d: %v and %d, want %v and %d", n, further, tr.alike[row.kind], row.further, row.alike)
		}
	}
}
