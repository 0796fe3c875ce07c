package agent

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

func TestJudgeSeen(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	ours, theirs := []byte("ours"), []byte("theirs")
	known := &state.Expected{
		Size: 10, SHA256: ours,
		Known: &state.Known{Fingerprint: file.Fingerprint{Size: 10, ModTime: at.Add(300 * time.Millisecond).UnixNano()}},
		Last:  &state.Delivery{Size: 10, Proof: state.Proof{SHA256: ours, RemoteModTime: at.Add(time.Hour)}},
	}
	adopted := &state.Expected{Size: 10, Known: known.Known}
	// The receipt is of another content than what is known: its time says nothing.
	resent := &state.Expected{
		Size: 10, SHA256: ours, Known: known.Known,
		Last: &state.Delivery{Size: 10, Proof: state.Proof{SHA256: theirs, RemoteModTime: at.Add(time.Hour)}},
	}
	there := func(size int64, after time.Duration, mode fs.FileMode) seen {
		return seen{info: remote.Info{Size: size, ModTime: at.Add(after), Mode: mode}}
	}
	hashed := func(s seen, want, sum []byte, err error) seen {
		s.hashed, s.want, s.sum, s.hashErr = true, want, sum, err
		return s
	}
	kind := func(k remote.Kind) error { return &remote.Error{Op: "x", Kind: k, Err: errors.New("no")} }
	closed := there(10, 0, 0)
	closed.closed = true
	same, touched := there(10, 0, 0o644), there(10, 30*time.Minute, 0o644)
	for _, c := range []struct {
		name           string
		x              *state.Expected
		s              seen
		taken, content bool
		want           control.Found
	}{
		{"as known", known, same, false, false, control.FoundOK},
		{"as the receipt says", known, there(10, time.Hour, 0o644), false, false, control.FoundOK},
		{"a copy's slack", known, there(10, 2*time.Second, 0o644), false, false, control.FoundOK},
		{"no slack for the receipt", known, there(10, time.Hour+time.Second, 0o644), false, false, ""},
		{"the receipt of something else", resent, there(10, time.Hour, 0o644), false, false, ""},
		{"content is asked for", known, same, false, true, ""},
		{"missing", known, seen{err: kind(remote.Missing)}, false, false, control.FoundMissing},
		{"taken", known, seen{err: kind(remote.Missing)}, true, false, control.FoundTaken},
		{"taken while it was looked at", known, hashed(same, ours, nil, kind(remote.Missing)), true, true, control.FoundTaken},
		{"closed directory", known, seen{err: kind(remote.Permission)}, false, false, control.FoundUnreadable},
		{"refused", known, seen{err: kind(remote.Refused)}, false, false, control.FoundUnknown},
		{"smaller", known, there(9, 0, 0o644), false, false, control.FoundTruncated},
		{"smaller, in an outbox", known, there(0, 0, 0o644), true, false, control.FoundTruncated},
		{"larger", known, there(11, 0, 0o644), false, true, control.FoundDifferent},
		{"directory", known, there(10, 0, fs.ModeDir|0o755), false, false, control.FoundDifferent},
		{"link", known, there(10, 0, fs.ModeSymlink|0o777), true, false, control.FoundDifferent},
		{"nobody may read it", known, closed, false, true, control.FoundUnreadable},
		{"touched", known, hashed(touched, ours, ours, nil), false, false, control.FoundTouched},
		{"touched, no hash", known, hashed(touched, ours, nil, kind(remote.Unsupported)), false, false, control.FoundTouched},
		{"changed", known, hashed(touched, ours, theirs, nil), false, false, control.FoundDifferent},
		{"changed in silence", known, hashed(same, ours, theirs, nil), false, true, control.FoundDifferent},
		{"proved", known, hashed(same, ours, ours, nil), false, true, control.FoundOK},
		{"cannot be read back", known, hashed(same, ours, nil, kind(remote.Unsupported)), false, true, control.FoundUnknown},
		{"may not be read back", known, hashed(same, ours, nil, kind(remote.Permission)), false, true, control.FoundUnreadable},
		{"adopted by size and time", adopted, same, false, false, control.FoundOK},
		{"adopted, and no hash known", adopted, hashed(same, nil, nil, nil), false, true, control.FoundUnknown},
		{"adopted and touched", adopted, hashed(touched, nil, nil, nil), false, false, control.FoundTouched},
	} {
		if got := judgeSeen(c.x, &c.s, c.taken, c.content); got.kind != c.want {
			t.Errorf("%s: %q (%s), want %q", c.name, got.kind, got.reason, c.want)
		} else if got.reason == "" && got.kind != "" && got.kind != control.FoundOK {
			t.Errorf("%s: no reason", c.name)
		}
	}
}
