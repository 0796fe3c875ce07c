package agent

import (
	"context"
	"sync"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// verified is what was found of one file.
type verified struct {
	expected *state.Expected
	answered bool
	underWay bool // nothing was looked at
	kind     control.Found
	reason   string
	seen     seen
}

// lookAll looks at files. Those that the end of the connection keeps from an answer stay as they are.
func lookAll(s *remote.Session, files []*verified, look func(*state.Expected) verified) {
	var looks sync.WaitGroup
	for _, f := range files {
		if f.expected.UnderWay() {
			f.answered, f.underWay = true, true
			continue
		}
		looks.Go(func() {
			found := look(f.expected)
			if s.Err() == nil || !lost(&found.seen) {
				found.expected, found.answered = f.expected, true
				*f = found
			}
		})
	}
	looks.Wait()
}

// lost tells whether it was the connection that failed.
func lost(s *seen) bool {
	gone := func(err error) bool { return err != nil && remote.KindOf(err) == remote.Transient }
	return gone(s.err) || gone(s.hashErr)
}

// lookAt looks at one file: at its size and time, and at its content where those do not decide.
func (v *verifier) lookAt(ctx context.Context, r *checkedRoute, session *remote.Session, x *state.Expected) verified {
	if x.Dir {
		return lookAtDir(ctx, r, session, x)
	}
	var s seen
	taken := !keeps(r.folder)
	r.view.stats <- struct{}{}
	s.info, s.err = session.Stat(ctx, x.RemotePath)
	if s.err == nil && s.info.Mode.IsRegular() && s.info.Mode.Perm()&0o444 == 0 {
		s.closed, s.err = session.TellsMode(ctx, x.RemotePath)
	}
	<-r.view.stats
	j := judgeSeen(x, &s, taken, v.options.Content)
	if j.kind == "" {
		s.hashed = true
		if s.want = x.SHA256; s.want == nil {
			s.want = r.localSum(ctx, x)
		}
		if s.want != nil {
			s.sum, s.hashErr = r.view.sum(ctx, session, x.RemotePath, s.info.Size, s.want, v.options.Content)
		}
		j = judgeSeen(x, &s, taken, v.options.Content)
	}
	if n := v.looked.Add(1); v.options.Progress != nil {
		v.options.Progress(int(n))
	}
	return verified{kind: j.kind, reason: j.reason, seen: s}
}
