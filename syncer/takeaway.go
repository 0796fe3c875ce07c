package syncer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// takeAway ends a version: when every destination has it, the source goes where the folder's rule says, and T4 closes
// its intents. It may be called again at any time, and does what is left. A failure is told, and kept in the store.
func takeAway(ctx context.Context, store Store, folder *Folder, version string, now func() time.Time, observe Observer) {
	intents, ended, err := store.VersionEnded(ctx, version)
	if err == nil && !ended {
		return
	}
	var result takeawayResult
	if err == nil {
		result, err = endVersion(ctx, store, folder, intents)
	}
	if ctx.Err() != nil {
		return
	}
	e := Event{Folder: folder.Name}
	if len(intents) > 0 {
		e = eventOf(EventFailed, &intents[0])
	}
	e.At = now()
	switch {
	case err != nil:
		if len(intents) > 0 { // what cannot be taken away comes last the next time; a store that fails was told of
			_ = store.Fail(ctx, intents[0].ID, state.Failure{Err: err.Error(), Next: e.At, Phase: state.Delivered})
		}
		e.Type, e.Err, e.Reason = EventFailed, err, err.Error()
	case result.deleted:
		e.Type = EventDeleted
	case result.archived != "":
		e.Type, e.Reason = EventArchived, result.archived
	default:
		return
	}
	observe(e)
}

func endVersion(ctx context.Context, store Store, folder *Folder, intents []state.Intent) (takeawayResult, error) {
	t, err := newTakeaway(ctx, store, folder, intents)
	if err != nil {
		return takeawayResult{}, err
	}
	result, err := t.run(ctx)
	if err != nil {
		return result, fmt.Errorf("%s %s: %w", folder.After, t.source, err)
	}
	if result.waits {
		return result, nil
	}
	if result.archived != "" && result.archived != intents[0].Archive {
		if err := store.SaveArchived(ctx, t.intent.Version, result.archived); err != nil {
			return result, err
		}
	}
	if result.left && folder.endsStory() {
		if err := t.takeMarker(ctx); err != nil {
			return result, fmt.Errorf("%s the marker of %s: %w", folder.After, t.source, err)
		}
	}
	crashpoint("put-away")
	if err := store.CloseVersion(ctx, t.intent.Version, result.left && folder.endsStory()); err != nil { // T4
		return result, err
	}
	crashpoint("closed")
	if result.changed {
		folder.Hint(t.intent.Path)
	}
	return result, nil
}

// takeaway puts away the source of a version that every destination has.
type takeaway struct {
	folder   *Folder
	intent   state.Intent // any of the version's: path and fingerprint are the same in all
	complete bool         // every route of the folder has the version
	proven   bool         // every delivery has evidence that is good enough to destroy the source

	source, private string // operating system's paths
	surely          bool   // the fingerprint alone says that the source is the delivered version

	ground func() (ground, error)
}

// takeawayResult is what became of a source.
type takeawayResult struct {
	left     bool   // the file's story is over: the same name dropped again is a new delivery
	changed  bool   // another version stands there
	waits    bool   // for a route that has yet to get the version, or for a file system that does not show
	archived string // where it went
	deleted  bool
}

func newTakeaway(ctx context.Context, store Store, folder *Folder, intents []state.Intent) (takeaway, error) {
	t := takeaway{
		folder: folder, intent: intents[0], complete: true, proven: true,
		ground: func() (ground, error) { return groundOf(ctx, store, folder) },
	}
	if folder.After == Archive && t.intent.Archive == "" { // it was planned when the folder had another rule
		t.intent.Archive = folder.ArchivePath(t.intent.Path, t.intent.ReadyAt)
	}
	t.source = t.intent.Path.In(folder.Root)
	dir, base := filepath.Split(t.source)
	t.private = filepath.Join(dir, file.PrivateName(base, t.intent.Version, file.TakenSuffix))
	has := map[string]bool{}
	for i := range intents {
		has[intents[i].Destination] = true
		t.proven = t.proven && goodForDeletion(intents[i].Proof.Evidence, folder.Verify)
	}
	for _, r := range folder.Routes {
		if has[r.Destination] {
			continue
		}
		complete, proven, err := t.known(ctx, store, r.Destination)
		if err != nil {
			return t, err
		}
		t.complete, t.proven = t.complete && complete, t.proven && proven
	}
	return t, nil
}

// known tells whether a route that has no intent of the version got it under another one, and how well that is proven.
func (t *takeaway) known(ctx context.Context, store Store, destination string) (complete, proven bool, err error) {
	record, err := store.Lookup(ctx, t.intent.Folder, t.intent.Path)
	if err != nil {
		return false, false, err
	}
	k := knownOf(record, destination)
	if k == nil || !k.Fingerprint.SameFile(t.intent.Fingerprint) || !bytes.Equal(k.SHA256, t.intent.Proof.SHA256) {
		return false, false, nil
	}
	last, found, err := store.LastPublished(ctx, destination, k.RemotePath)
	proven = found && bytes.Equal(last.Proof.SHA256, k.SHA256) && goodForDeletion(last.Proof.Evidence, t.folder.Verify)
	return true, proven, err
}

// run archives or deletes the source, or finishes what a crash has interrupted. The source first goes to a private name
// in its own directory, which nobody else writes to, and is looked at there: what a producer has put in its place
// meanwhile is never touched.
func (t *takeaway) run(ctx context.Context) (takeawayResult, error) {
	stays := !t.folder.endsStory() || (t.folder.After == Delete && !t.proven)
	if isSameFile(t.private, t.source) { // it was put back, by a second name for want of better, and then came a crash
		if err := os.Remove(t.private); err != nil {
			return takeawayResult{}, err
		}
	}
	_, _, err := file.Lstat(t.private)
	switch {
	case err == nil && stays:
		return takeawayResult{}, t.putBack()
	case err == nil: // a crash came in between: go on
	case !errors.Is(err, fs.ErrNotExist):
		return takeawayResult{}, err
	default:
		if taken, result, err := t.take(stays); err != nil || !taken {
			return result, err
		}
		crashpoint("taken")
	}
	if same, err := t.isDelivered(ctx); err != nil || !same {
		return takeawayResult{changed: true}, errors.Join(err, t.putBack())
	}
	result, err := t.putAway(ctx)
	if err != nil && !isMissing(t.private) {
		err = fmt.Errorf("it is kept as %s meanwhile: %w", t.private, err)
	}
	result.left = isMissing(t.source) // else it was dropped again meanwhile
	return result, err
}

// putAway deletes or archives what stands at the private name.
func (t *takeaway) putAway(ctx context.Context) (result takeawayResult, err error) {
	if t.folder.After != Delete {
		result.archived, err = t.archive(ctx)
		return result, err
	}
	if err := os.Remove(t.private); err != nil {
		return result, err
	}
	result.deleted = true
	return result, syncDir(filepath.Dir(t.private))
}

// take renames the source to its private name; the result is what there is to say where it does not.
func (t *takeaway) take(stays bool) (taken bool, result takeawayResult, err error) {
	now, _, err := file.Lstat(t.source)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		g, err := t.ground()
		left := g.hasLeft(t.intent.Path, t.intent.Fingerprint.Dev)
		return false, takeawayResult{left: left, waits: !left}, err
	case err != nil:
		return false, takeawayResult{}, err
	case !now.SameFile(t.intent.Fingerprint):
		return false, takeawayResult{changed: true}, nil
	case !t.folder.endsStory():
		return false, takeawayResult{}, nil
	case !t.complete:
		return false, takeawayResult{waits: true}, nil
	case stays:
		return false, takeawayResult{}, nil // known as delivered
	}
	// The private name is nobody else's, so there is nothing that this could replace.
	if err := os.Rename(t.source, t.private); err != nil {
		return false, takeawayResult{waits: true}, ignoreMissing(err)
	}
	t.surely = now.Same(t.intent.Fingerprint) && !now.Racy(t.intent.ReadyAt)
	return true, takeawayResult{}, nil
}

// isDelivered tells whether what stands at the private name is what was delivered, and fails where somebody still writes
// to it. Where the fingerprint does not say enough, its content is compared.
func (t *takeaway) isDelivered(ctx context.Context) (bool, error) {
	now, _, err := file.Lstat(t.private)
	if err != nil || !now.SameFile(t.intent.Fingerprint) { // replaced in the last moment
		return false, err
	}
	private := t.intent.Path.Dir().Join(filepath.Base(t.private))
	src, err := watcher.Open(t.folder.Root, private, now)
	switch {
	case errors.Is(err, watcher.ErrChanged):
		return false, nil
	case errors.Is(err, watcher.ErrBusy), err != nil && !t.surely:
		return false, err
	case err != nil: // it cannot be opened, so nobody can be asked whether he writes
		return true, nil
	}
	defer src.Close() //nolint:errcheck // opened for reading
	if t.surely {
		return true, nil
	}
	sum, err := hashSource(ctx, src)
	return bytes.Equal(sum, t.intent.Proof.SHA256), err
}

// putBack gives a file back its name, and never over another: where there is one by now, the file stays under its
// private name and the error says so.
func (t *takeaway) putBack() error {
	err := renameNoReplace(t.private, t.source)
	if err == nil || isMissing(t.private) {
		return nil
	}
	return fmt.Errorf("it is not what was delivered, could not be put back and is kept as %s: %w", t.private, err)
}

// goodForDeletion tells whether evidence allows the only other copy to be destroyed: proof of content, or size where
// that was asked for explicitly. An inference never does.
func goodForDeletion(evidence string, asked remote.Demand) bool {
	switch evidence {
	case remote.RemoteHash, remote.CheckFile, remote.ReadBack:
		return true
	case remote.SizeOnly:
		return asked == remote.Size
	}
	return false
}

func isMissing(name string) bool {
	_, err := os.Lstat(name)
	return errors.Is(err, fs.ErrNotExist)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// isSameFile tells whether two names are of one file.
func isSameFile(a, b string) bool {
	fa, errA := os.Lstat(a)
	fb, errB := os.Lstat(b)
	return errA == nil && errB == nil && os.SameFile(fa, fb)
}
