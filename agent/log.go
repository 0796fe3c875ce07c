package agent

import (
	"context"
	"log/slog"
	"strings"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/syncer"
)

// observe writes the log: one INFO line for a delivered file, WARN for a failed attempt, ERROR where a person must act.
func (a *Agent) observe(e syncer.Event) {
	if a.observer != nil {
		a.observer(e)
	}
	measure(a.metrics, e)
	a.alerts.hear(e)
	a.arrivals.hear(e)
	a.hooks.hear(e)
	level, text := a.wording(e)
	if text == "" {
		return
	}
	var fields []any
	add := func(key, value string) {
		if value != "" {
			if key == "hint" {
				value = a.typed(value)
			}
			fields = append(fields, key, value)
		}
	}
	add("id", e.ID)
	add("folder", e.Folder)
	add("destination", e.Destination)
	add("path", string(e.Path))
	add("remote", e.RemotePath)
	if r := e.Receipt; r != nil {
		fields = append(fields, "size", r.Size, "evidence", r.Proof.Evidence, "attempts", r.Attempts,
			"seconds", r.DeliveredAt.Sub(r.StartedAt).Seconds())
	}
	if e.Err != nil {
		add("error", e.Err.Error())
		add("hint", remote.HintOf(e.Err))
	} else if e.Type == syncer.EventArchived {
		add("archive", e.Reason)
	} else {
		add("reason", e.Reason)
	}
	if e.Type == syncer.EventLost && remote.HintOf(e.Err) == "" && !e.Next.IsZero() {
		add("hint", sooner(e.Destination))
	}
	add("trash", e.Trash)
	if e.Type == syncer.EventHalted {
		add("hint", haltHint(e.Folder))
	}
	if e.Type == syncer.EventHeld {
		add("hint", strings.TrimPrefix(heldHint(e.ID), "; "))
	}
	if !e.Next.IsZero() {
		fields = append(fields, "next_attempt", rfc3339(e.Next))
	}
	a.log.Log(context.Background(), level, text, fields...)
}

// wording returns how loudly an event is logged and in what words, "" for not at all.
func (a *Agent) wording(e syncer.Event) (slog.Level, string) {
	switch e.Type {
	case syncer.EventDelivered:
		return slog.LevelInfo, "delivered"
	case syncer.EventAdopted:
		return slog.LevelInfo, "adopted: the destination has the same file already"
	case syncer.EventMovedAside:
		return slog.LevelWarn, "somebody else's file was given another name"
	case syncer.EventArchived:
		return slog.LevelInfo, "archived"
	case syncer.EventTrashed:
		return slog.LevelInfo, "moved to the trash: the file has left the folder"
	case syncer.EventRemoved:
		return slog.LevelInfo, "removed at the destination: the file has left the folder"
	case syncer.EventKept:
		return slog.LevelWarn, "not removed at the destination, and no longer ours"
	case syncer.EventGone:
		return slog.LevelInfo, "nothing to remove at the destination"
	case syncer.EventMadeDir, syncer.EventRemovedDir, syncer.EventRenamedDir:
		return slog.LevelDebug, string(e.Type)
	case syncer.EventHalted:
		return slog.LevelError, "folder halted: a person has to decide"
	case syncer.EventResumed:
		return slog.LevelInfo, "folder goes on"
	case syncer.EventUnmarked:
		return slog.LevelWarn, "nothing is removed for this folder"
	case syncer.EventDeleted:
		return slog.LevelInfo, "deleted the delivered source"
	case syncer.EventConnected:
		return slog.LevelInfo, "connected"
	case syncer.EventFailed:
		return slog.LevelWarn, "attempt failed"
	case syncer.EventPutBack:
		return slog.LevelWarn, "the earlier version is at its name again: the newer one could not take it"
	case syncer.EventUnswept:
		return slog.LevelWarn, "a temporary file of ours could not be removed at the destination"
	case syncer.EventNoRoom:
		return slog.LevelError, "nothing is sent: there is no room to record it"
	case syncer.EventRoom:
		return slog.LevelInfo, "there is room again: deliveries go on"
	case syncer.EventLost:
		return slog.LevelWarn, "destination cannot be used for now"
	case syncer.EventClosed:
		return slog.LevelInfo, "files wait until the destination opens"
	case syncer.EventStuck:
		return slog.LevelWarn, "does not become ready: somebody should look at it"
	case syncer.EventDropped:
		return slog.LevelInfo, "not sent: the file has changed or is gone"
	case syncer.EventWaits:
		return slog.LevelWarn, "not sent yet: another file comes first"
	case syncer.EventHeld:
		return slog.LevelError, "held: a person has to decide"
	case syncer.EventWhole:
		return slog.LevelWarn, "sent whole for a while, whatever of it changes"
	case syncer.EventParked:
		return slog.LevelError, "given up: a person has to look at it"
	case syncer.EventBlocked:
		return slog.LevelError, "destination blocked: a person has to act"
	case EventWaiting:
		return slog.LevelWarn, "not sent: the file is not ready"
	case EventPaused:
		return slog.LevelWarn, "paused: `dropferry resume` lets it go on"
	case syncer.EventCancelled:
		return slog.LevelInfo, "cancelled by a person"
	case EventUnread:
		return slog.LevelWarn, "not everything could be read"
	case syncer.EventUnchanged, syncer.EventPlanned, syncer.EventStarted:
		return slog.LevelDebug, string(e.Type)
	}
	return slog.LevelDebug, ""
}
