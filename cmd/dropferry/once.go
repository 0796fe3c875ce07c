package main

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/syncer"
)

func (p *program) onceCommand() *cobra.Command {
	var folders []string
	command := &cobra.Command{
		Use:   "once",
		Short: "Deliver what is ready, then exit",
		Long: "once scans the folders, waits for files that are still settling, at most twice their time, delivers, and exits:\n" +
			"0 when everything is delivered, 3 when something is not.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			c, err := p.load()
			if err != nil {
				return err
			}
			if faults := c.CheckSystem(); len(faults) > 0 {
				return faults
			}
			line := newProgress(p.err, "", !p.quiet && !p.json)
			log, closeLog, err := p.onceLog(c.Log, line)
			if err != nil {
				return err
			}
			defer closeLog() //nolint:errcheck // what was written was flushed with each line
			lines := &eventLines{p: p}
			bar := newOnceBar(line)
			a, err := agent.New(command.Context(), c, agent.Options{
				Log: log, Observe: func(e syncer.Event) { lines.observe(e); bar.observe(e) }, Folders: folders, Version: version(),
			})
			if err != nil {
				return err
			}
			summary, err := a.Once(command.Context())
			line.clear()
			if closeErr := a.Close(); err == nil {
				err = closeErr
			}
			if err != nil {
				return err
			}
			if err := p.printSummary(summary); err != nil {
				return err
			}
			return onceResult(summary)
		},
	}
	command.Flags().StringArrayVar(&folders, "folder", nil, "only this folder (may be repeated)")
	return command
}

// onceResult gives a cause that stopped everything its exit code.
func onceResult(s agent.Summary) error {
	switch {
	case s.Complete():
		return nil
	case s.OneCause():
		if code := remoteCode(remote.KindOf(s.Cause)); code != exitFailure {
			return exitError(code)
		}
	}
	return exitError(exitUndelivered)
}

// summaryLine is the last line of `once --json`.
type summaryLine struct {
	Type      string  `json:"type"` // "summary"
	Delivered int     `json:"delivered"`
	Failed    int     `json:"failed"`    // not delivered
	Held      int     `json:"held"`      // wait for a person
	Unsettled int     `json:"unsettled"` // still changing
	Unread    int     `json:"unread"`    // places that could not be read
	Kept      int     `json:"kept"`      // delivered, but not put away
	Paused    int     `json:"paused"`    // not delivered, since they are paused
	Closed    int     `json:"closed"`    // not delivered, since their destination is outside its schedule
	Removed   int     `json:"removed"`   // at destinations
	Halted    int     `json:"halted"`    // folders
	Bytes     int64   `json:"bytes"`     // delivered
	Seconds   float64 `json:"seconds"`
}

func (p *program) printSummary(s agent.Summary) error {
	if p.json {
		return json.NewEncoder(p.out).Encode(summaryLine{"summary", s.Delivered, s.Failed, s.Held, s.Unsettled, s.Unread, s.Kept, s.Paused, s.Closed, s.Removed, s.Halted, s.Bytes, s.Seconds})
	}
	return p.printf("%d delivered, %s in %.1f s%s\n", s.Delivered, size(s.Bytes), s.Seconds, counts("; ", []count{
		{s.Failed, "not delivered"},
		{s.Held, "held"},
		{s.Unsettled, "still changing"},
		{s.Unread, "places unreadable"},
		{s.Kept, "delivered, but not put away"},
		{s.Paused, "not delivered, since they are paused"},
		{s.Closed, "not delivered, since their destination is outside its schedule"},
		{s.Removed, "removed at destinations"},
		{s.Halted, "folders halted"},
		{s.Unmarked, "folders in which no marker can be written"},
	}))
}

// eventLines prints events as JSON lines, where JSON is asked for.
type eventLines struct {
	p  *program
	mu sync.Mutex
}

// eventLine is a line of `once --json` and `run --json`.
type eventLine struct {
	Type        string            `json:"type"` // what has happened: "delivered", "failed", "held"
	At          time.Time         `json:"at"`
	ID          string            `json:"id,omitempty"` // of the delivery
	Folder      string            `json:"folder,omitempty"`
	Destination string            `json:"destination,omitempty"`
	Path        string            `json:"path,omitempty"`
	PathB64     []byte            `json:"path_b64,omitempty"` // where path is not UTF-8
	RemotePath  string            `json:"remote_path,omitempty"`
	Size        int64             `json:"size"`
	Reason      string            `json:"reason,omitempty"`
	Error       string            `json:"error,omitempty"`
	Trash       string            `json:"trash,omitempty"` // where a removed file is
	Receipt     *control.Delivery `json:"receipt,omitempty"`
}

func (l *eventLines) observe(e syncer.Event) {
	if !l.p.json {
		return
	}
	switch e.Type {
	case syncer.EventDelivered, syncer.EventAdopted, syncer.EventFailed, syncer.EventHeld, syncer.EventParked,
		syncer.EventArchived, syncer.EventDeleted, syncer.EventDropped, syncer.EventLost, syncer.EventBlocked,
		syncer.EventNoRoom, syncer.EventRoom, syncer.EventCancelled, agent.EventWaiting, agent.EventUnread, agent.EventPaused,
		syncer.EventTrashed, syncer.EventRemoved, syncer.EventKept, syncer.EventGone, syncer.EventMadeDir, syncer.EventRemovedDir, syncer.EventRenamedDir,
		syncer.EventHalted, syncer.EventResumed, syncer.EventUnmarked, syncer.EventUnswept,
		syncer.EventPutBack, syncer.EventWaits, syncer.EventClosed, syncer.EventWhole:
	default:
		return
	}
	line := eventLine{
		Type: string(e.Type), At: e.At.UTC(), ID: e.ID, Folder: e.Folder, Destination: e.Destination, Path: string(e.Path),
		RemotePath: e.RemotePath, Size: e.Size, Reason: e.Reason, Trash: e.Trash,
	}
	if !e.Path.IsUTF8() {
		line.PathB64 = []byte(e.Path)
	}
	if e.Err != nil {
		line.Error = e.Err.Error()
	}
	if e.Receipt != nil {
		receipt := agent.ViewDelivery(*e.Receipt)
		line.Receipt = &receipt
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = json.NewEncoder(l.p.out).Encode(line) // a reader that has gone away does not stop deliveries
}
