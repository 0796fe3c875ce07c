package syncer

import (
	"path"
	"strings"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// Publishing is how files get their final names at a destination.
type Publishing struct {
	// Direct writes files at their final names, for servers that refuse to rename. Readers can see part of a file then.
	Direct bool
	// TempDir is a remote directory for temps, on the file system of all final names; "" is each final name's own directory.
	TempDir string
}

// temp names the private file that an intent uploads to; "" where it is to write at the final name. Without another wish it
// stands beside the final name: a rename across directories may cross file systems, and is refused then.
func (p Publishing) temp(final, id string) string {
	if p.Direct {
		return ""
	}
	dir, base := path.Split(final)
	if p.TempDir != "" {
		dir = strings.TrimRight(p.TempDir, "/") + "/"
	}
	return dir + file.PrivateName(base, id, file.TempSuffix)
}

// written returns the remote path that an intent's upload writes to.
func written(i *state.Intent) string {
	if i.Temp == "" {
		return i.Final
	}
	return i.Temp
}

// newIntent names everything that a delivery of a file will need, once and for all.
func (f *Folder) newIntent(c Change, version string, now time.Time) state.Intent {
	r, _ := f.route(c.Destination)
	id := file.NewID(now)
	final := r.RemotePath(c.Path, now)
	intent := state.Intent{
		ID: id, Version: version, Route: state.Route{Folder: f.Name, Destination: c.Destination},
		Path: c.Path, Fingerprint: c.Entry.Fingerprint, Reason: string(c.Decision.Reason),
		Final: final, Temp: r.temp(final, id), ReadyAt: now, Phase: state.Planned,
	}
	if !c.Entry.Since.IsZero() { // else it had settled before it was seen
		intent.SeenAt, intent.SettledAt = c.Entry.Since, c.Entry.Seen
	}
	if f.After == Archive {
		intent.Archive = f.ArchivePath(c.Path, now)
	}
	return intent
}
