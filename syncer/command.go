package syncer

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// What people command changes the store first, and then comes here, so that what runs heeds it at once.

// Wake has a destination's link look for what is due.
func (s *Syncer) Wake(destination string) { s.poke(destination) }

// Rescan has a folder looked at as a whole, now.
func (s *Syncer) Rescan(folder string) {
	if p := s.Planner(folder); p != nil {
		p.rescan()
	}
}

// Free ends the wait of a link that waits to dial, or is blocked. It returns false where the link does neither.
func (s *Syncer) Free(destination string) bool {
	l := s.link(destination)
	return l != nil && l.free()
}

// Cancelled sees to what hangs on intents that a person has cancelled: files that wait for their names, and temps.
func (s *Syncer) Cancelled(ctx context.Context, intents []state.Intent) {
	for i := range intents {
		e := eventOf(EventCancelled, &intents[i])
		e.At = s.options.Now()
		s.options.Observe(e)
		s.released(ctx, intents[i].ID)
		s.poke(intents[i].Destination)
	}
}

// free gives the token to a link that waits; one that came too late must not shorten a later wait.
func (l *link) free() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.State != LinkWaiting && l.status.State != LinkBlocked {
		return false
	}
	select {
	case l.freed <- struct{}{}:
	default: // it has one
	}
	return true
}

// forgetFreed takes back a token that was for a wait that had ended.
func (l *link) forgetFreed() {
	select {
	case <-l.freed:
	default:
	}
}

// mayBegin looks at the pauses once more, and whose turn it is: what waits in a queue was fetched before.
func (l *link) mayBegin(ctx context.Context, i *state.Intent) error {
	if i.Phase != state.Committing && !l.hasRoute(i) {
		return errSuperseded // by a configuration without the route
	}
	may, err := l.store.MayBegin(ctx, i.ID, i.Route)
	switch {
	case ctx.Err() != nil, err == nil && !may:
		return errNotBegun
	}
	if f := l.common().folders[i.Folder]; err == nil && f != nil && i.Phase == state.Planned && !f.Order.free() {
		return l.mayGo(ctx, f, i)
	}
	return err
}

// closeVersion ends the version of an intent that was taken back, where its other routes have waited for this one. The
// source is another by now, and stays.
func (p *Planner) closeVersion(ctx context.Context, i *state.Intent) {
	if p.folder.endsStory() {
		p.takeAway(ctx, p.folder, i.Version)
	}
}

// isOf tells whether an intent is of a version of the folder's file. One that was cancelled stays so whatever happens to
// the file's attributes.
func isOf(i *state.Intent, now file.Fingerprint) bool {
	return i.Fingerprint.Same(now) || (i.Phase == state.Cancelled && i.Fingerprint.SameFile(now))
}

// open opens what is to be sent: the folder's file, but where the intent names another.
func (d *delivery) open() (*watcher.Source, error) {
	if d.intent.Source == "" {
		return watcher.Open(d.folder.Root, d.intent.Path, d.intent.Fingerprint)
	}
	dir, base := filepath.Split(d.intent.Source)
	return watcher.Open(dir, file.Path(base), d.intent.Fingerprint)
}

// OpenCopy opens a file, an operating system's path, that may hold what was delivered, for Resend. Its fingerprint goes
// with it. Errors are those of watcher.Open.
func OpenCopy(name string) (*watcher.Source, file.Fingerprint, error) {
	print, mode, err := file.Lstat(name)
	if err != nil {
		return nil, print, err
	}
	if !mode.IsRegular() {
		return nil, print, fmt.Errorf("open %s: not a regular file", name)
	}
	dir, base := filepath.Split(name)
	src, err := watcher.Open(dir, file.Path(base), print)
	return src, print, err
}

// SumOf returns the SHA-256 of a source that has not changed meanwhile.
func SumOf(ctx context.Context, src *watcher.Source) ([]byte, error) {
	sum, err := hashSource(ctx, src)
	if err != nil {
		return nil, err
	}
	return sum, src.Unchanged()
}

// Resend returns the intent that makes a delivery again, under the same name, from a file that holds the same content.
// It says nothing of the folder's own file, which is neither known by it nor taken away after it.
func Resend(d *state.Delivery, source string, print file.Fingerprint, now time.Time, p Publishing) state.Intent {
	id := file.NewID(now)
	return state.Intent{
		ID: id, Version: file.NewID(now), Route: d.Route, Path: d.Path, Fingerprint: print, Reason: string(ReasonResend),
		Final: d.RemotePath, Temp: p.temp(d.RemotePath, id), Source: source, ReadyAt: now, Phase: state.Planned,
	}
}
