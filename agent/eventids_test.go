package agent

import (
	"log/slog"
	"testing"

	"github.com/dropferry/dropferry/service"
	"github.com/dropferry/dropferry/syncer"
)

// What an agent tells of a file, a folder or a destination has an id of its own in the Windows Event Log, whatever its words
// will be: monitoring filters by them.
func TestEventsHaveIDs(t *testing.T) {
	all := []syncer.EventType{
		syncer.EventDelivered, syncer.EventAdopted, syncer.EventFailed, syncer.EventHeld, syncer.EventParked, syncer.EventDropped,
		syncer.EventCancelled, syncer.EventArchived, syncer.EventDeleted, syncer.EventMovedAside, syncer.EventTrashed,
		syncer.EventRemoved, syncer.EventKept, syncer.EventGone, syncer.EventHalted, syncer.EventResumed, syncer.EventUnmarked,
		syncer.EventConnected, syncer.EventLost, syncer.EventNoRoom, syncer.EventRoom, syncer.EventBlocked,
		EventWaiting, EventPaused, EventUnread,
	}
	for _, e := range all {
		level, text := (&Agent{}).wording(syncer.Event{Type: e})
		id, routine := service.EventID(level, text)
		if id < 10 {
			t.Errorf("%s (%q) has no id of its own", e, text)
		}
		if routine != (level == slog.LevelInfo && id >= 100) {
			t.Errorf("%s (%q): left out %v, level %v", e, text, routine, level)
		}
	}
}
