package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/watcher"
)

const (
	extentTime = 5 * time.Second // for all folders
	extentMost = 1 << 20         // directories of one
)

// folders looks at each folder, and whether the system lets all of them be watched.
func (d *doctor) folders(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, extentTime)
	defer cancel()
	total, complete := 0, true
	for i := range d.config.Folders {
		f := &d.config.Folders[i]
		extent, err := watcher.MeasureExtent(ctx, rulesOf(f), extentMost)
		d.say(d.words.folderDiagnosis(f, extent, err))
		if err == nil {
			d.putAway(f)
		}
		if f.Watch == watcher.WatchPoll || extent.FileSystem == "network" {
			continue // it takes no watches
		}
		total += extent.Directories
		complete = complete && (extent.Complete || err != nil)
	}
	if watches, instances, ok := watcher.WatchLimits(); ok {
		d.say(d.words.watchDiagnosis(total, complete, watches))
		d.say(d.words.instanceDiagnosis(len(d.config.Folders), instances))
	}
}

func (w words) folderDiagnosis(f *config.Folder, s watcher.Extent, err error) Diagnosis {
	found := Diagnosis{Severity: Well, Area: "folder", Subject: f.Name}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		found.Severity, found.Text = Broken, f.Path+" is not there; a disk that is not mounted is waited for"
		found.Hint = w.makeFolder(f.Path)
	case errors.Is(err, fs.ErrPermission):
		found.Severity, found.Text, found.Hint = Broken, err.Error(), w.letRead(f.Path)
	case err != nil:
		found.Severity, found.Text = Broken, err.Error()
	case s.Unreadable != nil:
		found.Severity, found.Text, found.Hint = Broken, "not all of it can be read: "+s.Unreadable.Error(), w.letRead(f.Path)
	case s.FileSystem == "network" && f.Watch == watcher.WatchEvents:
		found.Severity = Warning
		found.Text = f.Path + " is on a network file system, which does not tell what other machines change"
		found.Hint = `watch = "auto" or "poll"`
	default:
		found.Text = fmt.Sprintf("%s can be read: %s", f.Path, directories(s))
		if s.FileSystem != "local" {
			found.Severity = Note
			found.Text += fmt.Sprintf("; on a %s file system, which is scanned every %v", s.FileSystem, f.PollInterval)
		}
	}
	return found
}

func directories(s watcher.Extent) string {
	text := fmt.Sprintf("%d directories", s.Directories)
	if s.Directories == 1 {
		text = "1 directory"
	}
	if !s.Complete {
		text = "more than " + text
	}
	return text
}

// written returns the directories that are written to when something is delivered: where it is put away, or a marker stands.
func written(f *config.Folder) []string {
	switch {
	case f.After == config.Archive:
		return []string{f.Path, archiveRoot(f.Archive)}
	case f.After == config.Delete, f.Mode == config.Mirror && f.Delete:
		return []string{f.Path}
	}
	return nil
}

// putAway looks whether what is delivered can be put away, or a marker written.
func (d *doctor) putAway(f *config.Folder) {
	dirs := written(f)
	var missing []string
	for _, dir := range dirs {
		gone := isNotThere(dir)
		if gone {
			missing = append(missing, dir)
		}
		if err := mayWriteIn(nearest(dir)); err != nil {
			d.say(Diagnosis{Broken, "folder", f.Name, "delivered files cannot be put away: " + err.Error(), d.words.letPut(dir, gone)})
		}
	}
	for _, dir := range dirs {
		if !d.confine.MayWrite(unlinked(dir)) {
			d.say(Diagnosis{
				Broken, "folder", f.Name, fmt.Sprintf("delivered files cannot be put away: the unit %s leaves %s read-only", d.service, dir),
				d.words.writePaths(d.service, missing, dirs...),
			})
			return
		}
	}
}

// letPut lets the account write to a directory: one that is not there is made for it, and nobody is let into what is above.
func (w words) letPut(dir string, missing bool) string {
	switch {
	case filepath.Dir(dir) == dir:
		return "name a directory of its own for what is delivered, and not " + dir
	case missing:
		return w.makeDir(dir)
	}
	return w.letWrite(dir)
}

// makeFolder makes a folder that is not there.
func (w words) makeFolder(dir string) string {
	if w.private {
		return w.own(makeDirs(dir))
	}
	return w.makeDir(dir)
}

// archiveRoot is the directory that a template names before its first placeholder.
func archiveRoot(template string) string {
	fixed, _, found := strings.Cut(template, "{")
	if !found {
		return template
	}
	return filepath.Dir(fixed + "x")
}

// watchDiagnosis compares what the folders take with what the system gives to an account.
func (w words) watchDiagnosis(directories int, complete bool, limit int) Diagnosis {
	text := fmt.Sprintf("the folders take %d watches, and the system gives %d to an account", directories, limit)
	if !complete {
		text = fmt.Sprintf("the folders take more than %d watches, and the system gives %d to an account", directories, limit)
	}
	raise := w.setLimit(60, "max_user_watches", max(524288, 2*directories))
	switch {
	case directories > limit:
		return Diagnosis{Warning, "watches", "", text + ": what cannot be watched is scanned instead", raise}
	case directories > limit/4*3, !complete && directories > limit/4:
		return Diagnosis{Warning, "watches", "", text, raise}
	}
	return Diagnosis{Severity: Well, Area: "watches", Text: text}
}

// instanceDiagnosis compares the number of folders with that of the watch lists that an account may have.
func (w words) instanceDiagnosis(folders, limit int) Diagnosis {
	text := fmt.Sprintf("%d folders take as many inotify instances, and the system gives %d to an account", folders, limit)
	if folders > limit/4*3 {
		return Diagnosis{
			Warning, "watches", "", text,
			w.setLimit(61, "max_user_instances", max(1024, 2*folders)),
		}
	}
	return Diagnosis{Severity: Well, Area: "watches", Text: text}
}

// setLimit raises a limit of the kernel's on watches, for good.
func (w words) setLimit(order int, name string, value int) string {
	return fmt.Sprintf("echo fs.inotify.%s=%d | %s && %s", name, value,
		w.admin(fmt.Sprintf("tee /etc/sysctl.d/%d-dropferry.conf", order)), w.admin("sysctl --system"))
}
