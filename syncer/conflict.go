package syncer

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// OnConflict says what is done about somebody else's file at a final name.
type OnConflict string

// What can be done.
const (
	HoldConflict      OnConflict = "hold"      // a person decides
	OverwriteConflict OnConflict = "overwrite" // ours replaces it
	// KeepBothConflict keeps it beside ours. In a mirror, whose tree is to be like the folder, theirs gets another name; an
	// outbox does not touch what a partner may be reading: there it is ours that gets one.
	KeepBothConflict OnConflict = "keep-both"
)

// errConflict says that somebody else's file stands at the final name.
type errConflict struct {
	final  string
	theirs string
	ours   string // "" where nothing is to be told of it
	there  *state.Conflict
}

func (e *errConflict) Error() string {
	text := fmt.Sprintf("%s holds %s, which dropferry did not put there", e.final, e.theirs)
	if e.ours != "" {
		text += "; ours is " + e.ours
	}
	return text
}

// conflict describes what stands at the final name; sum is the SHA-256 of it, nil where that is not known.
func conflict(final string, info *remote.Info, sum []byte) *errConflict {
	what, there := "something that is no file", &state.Conflict{Kind: state.ConflictOther}
	switch {
	case info.Size == remote.Untold:
		what, there = "a file that the server does not let us look at", nil
	case info.Mode.IsRegular():
		what = "a file of " + described(info.Size, info.ModTime, sum)
		there = &state.Conflict{Kind: state.ConflictFile, Size: info.Size, ModTime: info.ModTime, SHA256: sum}
	case info.Mode.IsDir():
		what, there.Kind = "a directory", state.ConflictDir
	}
	return &errConflict{final: final, theirs: what, there: there}
}

func described(size int64, at time.Time, sum []byte) string {
	unit := "bytes"
	if size == 1 {
		unit = "byte"
	}
	text := fmt.Sprintf("%d %s from %s", size, unit, at.UTC().Format(time.RFC3339))
	if sum != nil {
		text += " with SHA-256 " + hex.EncodeToString(sum)
	}
	return text
}

// conflict describes both files, so that a person can decide. A hash that is not known yet is asked of the server, or read back, and
// what comes of it does not matter for anything else.
func (d *delivery) conflict(ctx context.Context, final *remote.Info, theirs, ours []byte) error {
	if theirs == nil && final.Mode.IsRegular() && final.Size != remote.Untold {
		theirs, _, _ = contentOf(ctx, d.session, d.intent.Final, final.Size, readToTell) // see above
		if d.session.Err() != nil {
			return d.session.Err()
		}
	}
	e := conflict(d.intent.Final, final, theirs)
	if final.Mode.IsRegular() {
		e.ours = described(d.intent.Fingerprint.Size, d.intent.Fingerprint.Modified(), ours)
	}
	if e.there != nil {
		e.there.Ours = ours
	}
	return e
}

// mayReplace tells whether whatever file stands at the final name may be replaced. What is no file stays.
func (d *delivery) mayReplace(final *remote.Info) bool {
	return final.Mode.IsRegular() && (d.intent.Overwrite || d.folder.OnConflict == OverwriteConflict)
}

// mayMoveAside tells whether it may be given another name.
func (d *delivery) mayMoveAside(final *remote.Info) bool {
	return final.Mode.IsRegular() && d.folder.Mirror && d.folder.OnConflict == KeepBothConflict
}

// moveAside gives somebody else's file another name, so that its own is free.
func (d *delivery) moveAside(ctx context.Context) error {
	name := conflictName(d.intent.Final, d.now())
	if err := d.session.Publish(ctx, d.intent.Final, name, false); err != nil {
		return err
	}
	d.tellAside(name)
	return nil
}

func (d *delivery) tellAside(name string) {
	e := eventOf(EventMovedAside, &d.intent)
	e.At, e.Reason = d.now(), name
	d.observe(e)
}

// momentInNames is how a moment, in UTC, stands in names at a destination.
const momentInNames = "20060102T150405Z"

// conflictName is beside a name, and of the moment: a.xml becomes a.conflict-20261120T120000Z.xml.
func conflictName(final string, at time.Time) string {
	dir, base := path.Split(final)
	dots := len(base) - len(strings.TrimLeft(base, ".")) // .profile is no extension
	ext := path.Ext(base[dots:])
	return fmt.Sprintf("%s%s.conflict-%s%s", dir, strings.TrimSuffix(base, ext), at.UTC().Format(momentInNames), ext)
}

// KeepBoth names an intent whose final name holds somebody else's file anew, from the moment of the command, so that both
// stay.
func KeepBoth(i *state.Intent, at time.Time, p Publishing) (final, temp string) {
	final = conflictName(i.Final, at)
	if i.Temp != "" && !p.Direct { // a temp is never used twice, and a long name is cut to the same one
		return final, nextTemp(i.Temp, i.ID)
	}
	return final, p.temp(final, i.ID)
}

// keepBoth names an intent anew whose final name holds somebody else's file, where the folder wants that. It returns
// false where a person has to decide.
func (l *link) keepBoth(ctx context.Context, o *outcome) (bool, error) {
	folder := l.folderOf(&o.intent)
	var e *errConflict
	if folder.OnConflict != KeepBothConflict || folder.Mirror || !errors.As(o.err, &e) || e.ours == "" {
		return false, nil
	}
	r, _ := folder.route(o.intent.Destination)
	if err := l.store.Fail(ctx, o.intent.ID, state.Failure{Err: o.err.Error(), Phase: state.Held}); err != nil {
		return true, err
	}
	final, temp := KeepBoth(&o.intent, l.now(), r.Publishing)
	if _, _, err := l.store.ReleaseAs(ctx, o.intent.ID, final, temp); err != nil {
		return true, err // held, where another intent has that very name
	}
	l.sweepWanted = true
	l.told(EventFailed, &o.intent, o.err, l.now())
	return true, nil
}
