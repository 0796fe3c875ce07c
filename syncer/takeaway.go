package syncer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// takeaway puts away the source of a version that every destination has.
type takeaway struct {
	folder *Folder
	intent state.Intent // any of the version's: path, fingerprint and archive are the same in all
	proven bool         // every delivery has evidence that is good enough to destroy the source
}

// result is what became of a source.
type takeawayResult struct {
	ended    bool   // the file's story is over: the same name dropped again is a new delivery
	archived string // where it went
	deleted  bool
}

// run archives or deletes the source, or finishes what a crash has interrupted. The source first goes to a private name
// in its own directory, which nobody else writes to, and is looked at there: what a producer has put in its place
// meanwhile is never touched.
func (t takeaway) run() (takeawayResult, error) {
	source := t.intent.Path.In(t.folder.Root)
	dir, base := filepath.Split(source)
	private := filepath.Join(dir, file.PrivateName(base, t.intent.Version, file.TakenSuffix))
	if t.folder.After == Delete && !t.proven {
		return takeawayResult{}, nil // stays, known as delivered
	}
	now, _, err := file.Lstat(private)
	switch {
	case err == nil && !now.SameFile(t.intent.Fingerprint):
		return takeawayResult{}, t.putBack(private, source)
	case err == nil: // a crash came in between: go on
	case !errors.Is(err, fs.ErrNotExist):
		return takeawayResult{}, err
	default:
		taken, err := t.take(source, private)
		if err != nil || !taken {
			return takeawayResult{ended: !taken && t.gone(source)}, err
		}
		crashpoint("taken")
	}
	if t.folder.After == Delete {
		if err := os.Remove(private); err != nil {
			return takeawayResult{}, err
		}
		return takeawayResult{ended: true, deleted: true}, syncDir(dir)
	}
	to, err := t.archive(private)
	return takeawayResult{ended: err == nil, archived: to}, err
}

// gone tells whether the source has left the folder.
func (t takeaway) gone(source string) bool {
	_, err := os.Lstat(source)
	return errors.Is(err, fs.ErrNotExist)
}

// take renames the source to its private name. taken is false where the source is not the delivered version any more.
func (t takeaway) take(source, private string) (taken bool, err error) {
	now, _, err := file.Lstat(source)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || now != t.intent.Fingerprint {
		return false, err
	}
	if err := renameNoReplace(source, private); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return false, err
	}
	if now, _, err = file.Lstat(private); err != nil {
		return false, err
	}
	if !now.SameFile(t.intent.Fingerprint) { // replaced in the last moment
		return false, t.putBack(private, source)
	}
	return true, nil
}

// putBack gives a file back its name, and never over another: where there is one by now, the file stays under its
// private name and the error says so.
func (t takeaway) putBack(private, source string) error {
	if err := renameNoReplace(private, source); err != nil {
		return fmt.Errorf("a changed file could not be put back and is kept as %s: %w", private, err)
	}
	return nil
}

// archive moves the file to its archive path, or beside it where that name is taken.
func (t takeaway) archive(private string) (string, error) {
	to := t.intent.Archive
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return "", err
	}
	err := moveNoReplace(private, to)
	if errors.Is(err, fs.ErrExist) {
		ext := filepath.Ext(to)
		to = strings.TrimSuffix(to, ext) + "." + t.intent.Version + ext
		err = moveNoReplace(private, to)
		if errors.Is(err, fs.ErrExist) && sameBytes(private, to) { // copied before a crash, not yet removed
			err = os.Remove(private)
		}
	}
	if err != nil {
		return "", err
	}
	return to, errors.Join(syncDir(filepath.Dir(to)), syncDir(filepath.Dir(private)))
}

// moveNoReplace renames, or copies, syncs and removes where the two paths are on different file systems.
func moveNoReplace(from, to string) error {
	err := renameNoReplace(from, to)
	if !isCrossDevice(err) {
		return err
	}
	return copyAway(from, to)
}

// copyAway moves a file to another file system: the copy is complete and synced under a private name before it takes
// its own, and only then the original goes.
func copyAway(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		if sameBytes(from, to) { // of an attempt that a crash has cut off before the removal
			return os.Remove(from)
		}
		return &fs.PathError{Op: "archive", Path: to, Err: fs.ErrExist}
	}
	partial := to + file.TempSuffix
	if err := copyFile(from, partial); err != nil {
		return errors.Join(err, removeIfThere(partial))
	}
	crashpoint("copied")
	if err := renameNoReplace(partial, to); err != nil {
		return errors.Join(err, removeIfThere(partial))
	}
	if err := syncDir(filepath.Dir(to)); err != nil {
		return err
	}
	return os.Remove(from)
}

func removeIfThere(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// copyFile copies content, permissions and modification time, and syncs.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // opened for reading
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	n, err := io.Copy(out, in)
	if err == nil && n != info.Size() {
		err = fmt.Errorf("copy %s: %d bytes of %d", from, n, info.Size())
	}
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// sameBytes tells whether two files are surely equal.
func sameBytes(a, b string) bool {
	fa, err := os.Open(a)
	if err != nil {
		return false
	}
	defer fa.Close() //nolint:errcheck // opened for reading
	fb, err := os.Open(b)
	if err != nil {
		return false
	}
	defer fb.Close() //nolint:errcheck // opened for reading
	bufA, bufB := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		na, errA := io.ReadFull(fa, bufA)
		nb, errB := io.ReadFull(fb, bufB)
		if na != nb || string(bufA[:na]) != string(bufB[:nb]) {
			return false
		}
		if errA != nil || errB != nil {
			return endOfFile(errA) && endOfFile(errB)
		}
	}
}

func endOfFile(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// takeAway ends a version: when every destination has it, the source goes where the folder's rule says, and T4 closes
// its intents. It may be called again at any time, and does what is left.
func takeAway(ctx context.Context, store Store, folder *Folder, version string, observe func(Event)) error {
	intents, ended, err := store.VersionEnded(ctx, version)
	if err != nil || !ended || len(intents) == 0 {
		return err
	}
	t := takeaway{folder: folder, intent: intents[0], proven: true}
	for _, i := range intents {
		t.proven = t.proven && goodForDeletion(i.Proof.Evidence, folder.Verify)
	}
	result, err := t.run()
	if err != nil {
		return fmt.Errorf("%s %s: %w", folder.After, intents[0].Path, err)
	}
	crashpoint("put-away")
	if err := store.CloseVersion(ctx, version, result.ended); err != nil { // T4
		return err
	}
	crashpoint("closed")
	e := eventOf(EventArchived, &intents[0])
	switch {
	case result.deleted:
		e.Type = EventDeleted
	case result.archived == "":
		if !result.ended {
			folder.Hint(intents[0].Path) // it has changed: a new version, or one that was waiting for this end
		}
		return nil
	}
	e.Reason = result.archived
	observe(e)
	return nil
}

// goodForDeletion tells whether evidence allows the only other copy to be destroyed: proof of content, or size where
// that was asked for explicitly. An inference never does.
func goodForDeletion(evidence string, asked remote.Demand) bool {
	switch evidence {
	case remote.Inferred:
		return false
	case remote.SizeOnly:
		return asked == remote.Size
	}
	return true
}
