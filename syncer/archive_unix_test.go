//go:build unix

package syncer

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
)

// TestArchiveDirectories are made for the group of the directory that they lie in, so that those whose files are put away see them there.
func TestArchiveDirectories(t *testing.T) {
	t.Parallel()
	r := newStory(t, Archive)
	archive := r.at("sent")
	r.must(os.Mkdir(archive, 0o750))
	const group = 4242
	if os.Geteuid() == 0 {
		r.must(os.Chown(archive, -1, group))
	}
	r.must(os.Chmod(archive, 0o750|os.ModeSetgid))
	r.folder.ArchivePath = func(p file.Path, _ time.Time) string {
		return filepath.Join(archive, "2026", "11", filepath.FromSlash(string(p)))
	}
	probe := r.at("probe") // what the umask makes of it
	r.must(os.Mkdir(probe, archiveMode))
	like, err := os.Stat(probe)
	r.must(err)
	i := r.delivered("a.xml", "1", remote.ReadBack)[0]
	r.takeAway(i.Version)
	r.await(EventArchived, "a.xml", "")
	for _, dir := range []string{"2026", "2026/11"} {
		info, err := os.Stat(filepath.Join(archive, dir))
		r.must(err)
		st, is := info.Sys().(*syscall.Stat_t)
		if info.Mode().Perm() != like.Mode().Perm() || is && os.Geteuid() == 0 && st.Gid != group {
			t.Errorf("%s: %v of group %d", dir, info.Mode(), st.Gid)
		}
	}
}
