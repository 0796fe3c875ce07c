package syncer

import (
	"context"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// ReasonRepair is why a file is sent whose copy at the destination was found missing or damaged.
const ReasonRepair Reason = "repair"

// Repair returns the intent that sends a folder's file again to the name at which it is known.
func Repair(route state.Route, path file.Path, final string, print file.Fingerprint, now time.Time, p Publishing) state.Intent {
	id := file.NewID(now)
	return state.Intent{
		ID: id, Version: file.NewID(now), Route: route, Path: path, Fingerprint: print, Reason: string(ReasonRepair),
		Final: final, Temp: p.temp(final, id), ReadyAt: now, Phase: state.Planned,
	}
}

// Repairing tells of intents that a person has had planned or held, and has their links look for what is due.
func (s *Syncer) Repairing(intents []state.Intent) {
	for i := range intents {
		e := eventOf(EventPlanned, &intents[i])
		if intents[i].Phase == state.Held {
			e = eventOf(EventHeld, &intents[i])
			e.Reason = intents[i].LastError
		}
		e.At = s.options.Now()
		s.options.Observe(e)
		s.poke(intents[i].Destination)
	}
}

// HasLeft tells whether a file that is not found in a folder has left it; false where the file system that it
// lay on does not show, and where that cannot be told.
func HasLeft(ctx context.Context, store rootReader, f *Folder, p file.Path, was file.Fingerprint) bool {
	g, err := groundOf(ctx, store, f)
	return err == nil && g.hasLeft(p, was.Dev)
}
