package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/notify"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// What nobody tells of because it does not happen is looked for: files that do not go on, files that do not come, and what is going to end.

// What troubles that are looked for are about, as their keys begin. What a look does not find any more is over.
const (
	aboutFolder  = "folder:"  // halted
	aboutRoute   = "stalled:" // FOLDER/DESTINATION
	aboutReading = "reading:" // a folder that cannot be read
	aboutStuck   = "stuck:"   // a folder with files that do not become ready
	aboutMissing = "missing:" // a folder to which no file came

	aboutCertificate = "certificate:"  // of a destination's account: it expires
	aboutNewHostKey  = "new-host-key:" // of a destination: it has announced that its key will change
)

func lookedFor() []string {
	return []string{aboutFolder, aboutRoute, aboutReading, aboutStuck, aboutMissing, aboutCertificate, aboutNewHostKey}
}

// lookEvery is how often a look is taken, and firstLook when: soon after the start, since something may have ended before.
const (
	firstLook = 2 * time.Second
	lookEvery = 15 * time.Second
)

// lookout looks for what is not as it should be.
type lookout struct {
	store    *state.Store
	alerts   *alerts
	setup    func() *setup
	links    func() []syncer.LinkStatus
	log      *slog.Logger
	now      func() time.Time
	unread   map[string]time.Time // folders that cannot be read, since when
	arrivals *arrivals
	scanned  bool // all folders were looked through
}

// lookout makes the agent's.
func (a *Agent) lookout() *lookout {
	return &lookout{
		store: a.store, alerts: a.alerts, setup: a.current, links: a.syncer.Status, log: a.log, now: time.Now,
		unread: map[string]time.Time{}, arrivals: a.arrivals,
	}
}

// run looks until ctx ends.
func (l *lookout) run(ctx context.Context) {
	timer := time.NewTimer(firstLook)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			timer.Reset(lookEvery)
			if err := l.look(ctx); err != nil && ctx.Err() == nil {
				l.log.Debug("the state could not be looked at for alerts", "error", err)
			}
		}
	}
}

// look tells of all that it finds, and of the end of what it does not find any more.
func (l *lookout) look(ctx context.Context) error {
	if err := l.noteArrivals(ctx); err != nil {
		return err
	}
	if l.alerts.isNobody() {
		return nil
	}
	found, err := l.find(ctx)
	if err != nil {
		return err
	}
	keys := map[string]bool{}
	for i := range found {
		keys[found[i].Key] = true
		l.alerts.raise(found[i])
	}
	for _, key := range l.alerts.open() {
		if end, over := "it is not so any more", l.isOver(key, keys); over {
			l.alerts.clear(key, notify.Alert{At: l.now(), Text: end})
			continue
		}
		if err := l.lookAtOpen(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// noteArrivals writes down what has come, also where nobody is told: somebody may be, later.
func (l *lookout) noteArrivals(ctx context.Context) error {
	for _, f := range l.setup().folders {
		if f.config.Expect.IsSet() {
			if _, err := l.arrivals.of(ctx, f.config, l.now()); err != nil {
				return err
			}
		}
	}
	return l.arrivals.save(ctx)
}

// isOver tells whether an open trouble was looked for and not found.
func (l *lookout) isOver(key string, found map[string]bool) bool {
	return !found[key] && slices.ContainsFunc(lookedFor(), func(about string) bool { return strings.HasPrefix(key, about) })
}

// lookAtOpen ends what has ended while nobody listened, between two starts say.
func (l *lookout) lookAtOpen(ctx context.Context, key string) error {
	c := l.setup().config
	if name, ok := strings.CutPrefix(key, aboutDestination); ok {
		if _, there := c.Destination(name); !there {
			l.alerts.clear(key, notify.Alert{At: l.now(), Text: "the destination is not in the configuration any more"})
		}
		return nil
	}
	if key == aboutRoom && !l.isFull() {
		l.alerts.clear(key, notify.Alert{At: l.now(), Text: roomAgain})
		return nil
	}
	id, ok := strings.CutPrefix(key, aboutDelivery)
	if !ok {
		return nil
	}
	in, there, err := l.store.Intent(ctx, id)
	if err != nil || there && (in.Phase == state.Held || in.Phase == state.Parked) {
		return err
	}
	end := "nobody has to look at it any more"
	if there {
		end = "it is tried again"
	}
	l.alerts.clear(key, notify.Alert{At: l.now(), Text: end})
	return nil
}

// isFull tells whether nothing is sent since it could not be recorded: there is no room, or a link has met a quota.
func (l *lookout) isFull() bool {
	for _, link := range l.links() {
		if _, full := errors.AsType[*state.RoomError](link.Err); full {
			return true
		}
	}
	return l.store.Room(syncer.LeastRoom) != nil
}

// find returns what is not as it should be now.
func (l *lookout) find(ctx context.Context) ([]notify.Alert, error) {
	halts, err := l.store.Halts(ctx)
	if err != nil {
		return nil, err
	}
	pauses, err := l.store.Pauses(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := l.store.Counts(ctx)
	if err != nil {
		return nil, err
	}
	closed := closedLinks(l.links())
	var found []notify.Alert
	for _, f := range l.setup().folders {
		if h, halted := haltOf(halts, f.config.Name); halted {
			found = append(found, notify.Alert{
				Event: notify.Halted, Key: aboutFolder + h.Folder, At: l.now(), Since: h.Since, Folder: h.Folder, Text: h.Detail, Hint: haltHint(h.Folder),
			})
		}
		found = append(found, l.watching(f)...)
		missing, isMissing, err := l.missing(ctx, f)
		if err != nil {
			return nil, err
		}
		if isMissing {
			found = append(found, missing)
		}
	}
	found = append(found, expiring(l.setup().config, l.now())...)
	for _, c := range counts {
		if isMeant(c.Route, halts, pauses) {
			continue
		}
		in, late, err := lateOn(ctx, l.store, l.setup().config, c, closed, l.now())
		if err != nil {
			return nil, err
		}
		if late {
			found = append(found, l.stalled(&in, c.Planned+c.Committing))
		}
	}
	return found, nil
}

// isMeant tells whether a person has paused a route, or its folder is halted, which is told by itself.
func isMeant(r state.Route, halts []state.Halt, pauses []state.Pause) bool {
	_, halted := haltOf(halts, r.Folder)
	_, paused := pauseOf(pauses, r)
	return halted || paused
}

// lateOn returns the first file of a route where it has waited for longer than its folder allows. Where a destination's schedule
// keeps files waiting, that is meant, and does not count.
func lateOn(
	ctx context.Context, store *state.Store, c *config.Config, open state.Count, closed map[string]bool, now time.Time,
) (in state.Intent, late bool, err error) {
	f, there := c.Folder(open.Folder)
	if !there || open.Planned+open.Committing == 0 || closed[open.Destination] {
		return in, false, nil
	}
	in, waits, err := store.Oldest(ctx, open.Route)
	return in, waits && waited(c, &in, now, f.StalledAfter) >= f.StalledAfter, err
}

// waited returns for how long a file has waited that could have been sent, counted no further than enough: a file that came in the
// night is not late in the moment in which its destination opens.
func waited(c *config.Config, in *state.Intent, now time.Time, enough time.Duration) time.Duration {
	d, there := c.Destination(in.Destination)
	if !there {
		return now.Sub(in.ReadyAt)
	}
	return d.Schedule.OpenFor(in.ReadyAt, now, enough)
}

// stalled words a route on which nothing goes on, or not as fast as it comes.
func (l *lookout) stalled(in *state.Intent, files int) notify.Alert {
	a := notify.Alert{
		Event: notify.Stalled, Key: aboutRoute + in.Folder + "/" + in.Destination, At: l.now(), Since: in.ReadyAt,
		Folder: in.Folder, Destination: in.Destination,
		Text: fmt.Sprintf("%s, the first of them since %s: %s", FilesWait(files), rfc3339(in.ReadyAt), in.Path),
		Hint: "`dropferry status` and `dropferry explain FILE` say what they wait for",
	}
	for _, link := range l.links() {
		if link.Destination == in.Destination && link.Reason != "" {
			a.Text += "; the destination is " + string(link.State) + ": " + link.Reason
		}
	}
	if in.LastError != "" {
		a.Text += "; its last attempt failed: " + in.LastError
	}
	return a
}

// watching tells of a folder that cannot be read for long, and of files that do not become ready.
func (l *lookout) watching(f *folder) (found []notify.Alert) {
	name, s := f.config.Name, f.planner.Watching()
	if s.Stuck > 0 {
		files := "1 file has"
		if s.Stuck > 1 {
			files = fmt.Sprintf("%d files have", s.Stuck)
		}
		found = append(found, notify.Alert{
			Event: notify.Stalled, Key: aboutStuck + name, At: l.now(), Folder: name,
			Text: files + " not become ready for over an hour", Hint: "`dropferry status` names them, and what they wait for",
		})
	}
	if s.State != watcher.Waiting && s.State != watcher.Hanging {
		delete(l.unread, name)
		return found
	}
	since, known := l.unread[name]
	if !known {
		since = l.now()
		l.unread[name] = since
	}
	if l.now().Sub(since) >= f.config.StalledAfter {
		found = append(found, notify.Alert{
			Event: notify.Stalled, Key: aboutReading + name, At: l.now(), Since: since, Folder: name,
			Text: "the folder cannot be read: " + s.Reason, Hint: "look at " + f.config.Path + ", its file system and the rights on it",
		})
	}
	return found
}

// missing tells of a folder to which no file came by the time it was expected.
func (l *lookout) missing(ctx context.Context, f *folder) (notify.Alert, bool, error) {
	if !f.config.Expect.IsSet() || !l.scanned && f.planner.Watching().LastScan.IsZero() { // what is there is not known yet
		return notify.Alert{}, false, nil
	}
	a, err := l.arrivals.of(ctx, f.config, l.now())
	if err != nil || !isMissing(f.config, a, l.now()) {
		return notify.Alert{}, false, err
	}
	deadline, _ := f.config.Expect.Last(l.now(), f.config.Timezone)
	text := "no file has come by " + deadline.Format("Mon 2006-01-02 15:04 MST")
	if !a.last.IsZero() {
		text += "; the last one came at " + a.last.In(f.config.Timezone).Format("Mon 2006-01-02 15:04 MST")
	}
	return notify.Alert{
		Event: notify.Missing, Key: aboutMissing + f.config.Name, At: l.now(), Since: deadline, Folder: f.config.Name, Text: text,
		Hint: "look at what puts files into " + f.config.Path,
	}, true, nil
}

// isMissing decides whether a file that was expected has not come: none since the time before, nor late.
func isMissing(f *config.Folder, a arrival, now time.Time) bool {
	deadline, before := f.Expect.Last(now, f.Timezone)
	return !deadline.IsZero() && a.since.Before(deadline) && !a.last.After(before)
}
