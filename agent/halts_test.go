package agent

import (
	"testing"
	"time"

	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// TestPlanOfAStoppedRoute holds whatever would begin something at a destination, and leaves what would not.
func TestPlanOfAStoppedRoute(t *testing.T) {
	halts := []state.Halt{{Folder: "catalogue", Since: time.Now()}}
	pauses := []state.Pause{{Route: state.Route{Folder: "catalogue"}, Since: time.Now()}}
	for op, held := range map[syncer.Op]bool{
		syncer.Upload: true, syncer.Rename: true, syncer.Copy: true, syncer.Remove: true, syncer.MakeDir: true, syncer.RemoveDir: true,
		syncer.Adopt: false, syncer.Hold: false, syncer.Wait: false, syncer.KeepThere: false,
	} {
		for reason, heed := range map[syncer.Reason]func(*syncer.Operation){
			syncer.ReasonHalted: func(o *syncer.Operation) { heedHalt(o, halts) },
			syncer.ReasonPaused: func(o *syncer.Operation) { heedPause(o, pauses) },
		} {
			o := syncer.Operation{Op: op, Folder: "catalogue", Destination: "acme"}
			heed(&o)
			if got := o.Op == syncer.Hold && o.Reason == reason; got != held {
				t.Errorf("%s, %s: %+v", op, reason, o)
			}
			other := syncer.Operation{Op: op, Folder: "invoices", Destination: "acme"}
			if heed(&other); other.Op != op {
				t.Errorf("%s of another folder: %+v", op, other)
			}
		}
	}
}
