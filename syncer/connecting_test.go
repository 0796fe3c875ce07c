package syncer

import (
	"errors"
	"testing"
	"time"

	"github.com/dropferry/dropferry/state"
)

// To dial is no sign that a destination is well: who looks meanwhile sees why it could not be used before.
func TestConnectingTellsWhatWasBefore(t *testing.T) {
	refused := errors.New("dial: refused")
	for _, c := range []struct {
		before LinkState
		err    error
		want   string
	}{
		{LinkIdle, nil, ""},
		{LinkWaiting, refused, "dial: refused"},
		{LinkBlocked, refused, "dial: refused"},
		{LinkClosed, &Closed{}, ""},
		{LinkWaiting, &state.RoomError{Dir: "state"}, ""}, // there is room, else it would not be dialled
	} {
		l := &link{}
		l.setState(c.before, c.err, time.Now())
		l.setConnecting()
		if s := l.snapshot(); s.State != LinkConnecting || s.Reason != c.want || (s.Err != nil) != (c.want != "") || !s.NextAttempt.IsZero() {
			t.Errorf("%s, %v: %+v", c.before, c.err, s)
		}
		l.setState(LinkIdle, nil, time.Time{})
		if s := l.snapshot(); s.Reason != "" || s.Err != nil {
			t.Errorf("once it can be used: %+v", s)
		}
	}
}
