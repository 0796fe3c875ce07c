package agent

import (
	"context"
	"io/fs"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// A directory of a mirror that holds no file has nothing that speaks for it at the destination but itself.

// lookAtDir looks at one directory. One that is not here any more is about to be removed there, or stays if that is not wanted.
func lookAtDir(ctx context.Context, r *checkedRoute, session *remote.Session, x *state.Expected) verified {
	if local := r.watcher.Explain(x.Path); local.Kind != watcher.Dir {
		return verified{underWay: true}
	}
	var s seen
	r.view.stats <- struct{}{}
	s.info, s.err = session.Stat(ctx, x.RemotePath)
	<-r.view.stats
	j := judgeDir(&s)
	return verified{kind: j.kind, reason: j.reason, seen: s}
}

// judgeDir tells what was found of a directory. A link may lead to one.
func judgeDir(s *seen) judgement {
	switch {
	case s.err != nil:
		return judgeFault(s.err, false)
	case s.info.Mode.IsDir(), s.info.Mode&fs.ModeSymlink != 0:
		return judgement{kind: control.FoundOK}
	}
	return judgement{control.FoundDifferent, article(kindOf(s.info.Mode)) + " is there"}
}

// remedyOfDir is remedy for a directory.
func remedyOfDir(kind control.Found) (remedy control.Remedy, hint string) {
	switch kind {
	case control.FoundMissing:
		return control.RemedyMkdir, ""
	case control.FoundDifferent:
		return control.RemedyNone, "it has the name of a directory that is empty here: give it another name there, or the directory here"
	}
	return control.RemedyNone, ""
}

// makeAgain plans to make a directory that is gone at its destination.
func (m *commander) makeAgain(ctx context.Context, route state.Route, d *control.Damage, local *watcher.Explanation) (control.Repaired, error) {
	x, found, err := m.store.MadeDir(ctx, route, file.Path(d.Path))
	if err != nil {
		return control.Repaired{}, err
	}
	if !found || x.RemotePath != string(d.RemotePath) || local.Kind != watcher.Dir {
		return control.Repaired{Outcome: control.NotDone, Reason: "it is no empty directory any more"}, nil
	}
	o := state.Operation{
		ID: file.NewID(m.now()), Step: state.StepMkdir, Route: route, Path: x.Path, RemotePath: x.RemotePath, PlannedAt: m.now(),
	}
	if err := m.store.PlanOperations(ctx, []state.Operation{o}); err != nil {
		return control.Repaired{}, err
	}
	m.alive.Wake(route.Destination)
	return control.Repaired{Outcome: control.Planned, ID: o.ID}, nil
}
