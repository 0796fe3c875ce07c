package syncer

import (
	"io/fs"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

func TestJudge(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	local := file.Fingerprint{Size: 10, ModTime: noon.Add(400 * time.Millisecond).UnixNano()}
	at := func(size int64, after time.Duration) *remote.Info {
		return &remote.Info{Size: size, ModTime: noon.Add(after)}
	}
	receipt := &state.Delivery{Size: 20, Proof: state.Proof{RemoteModTime: noon.Add(-time.Hour)}}
	known := &state.Known{Fingerprint: file.Fingerprint{Size: 30, ModTime: noon.Add(-time.Minute).UnixNano()}}
	for _, row := range []struct {
		name   string
		final  *remote.Info
		before earlierVersion
		want   Standing
	}{
		{"nothing", nil, earlierVersion{last: receipt, known: known}, Free},
		{"a directory", &remote.Info{Size: 10, ModTime: noon, Mode: fs.ModeDir}, earlierVersion{}, Foreign},
		{"a link", &remote.Info{Size: 10, ModTime: noon, Mode: fs.ModeSymlink}, earlierVersion{}, Foreign},
		{"an unknown file", at(99, 0), earlierVersion{}, Foreign},
		{"size and time of the local file", at(10, 0), earlierVersion{}, Same},
		{"its time two seconds off, as FAT keeps it", at(10, 2*time.Second), earlierVersion{}, Same},
		{"its time three seconds off", at(10, 3*time.Second), earlierVersion{}, Foreign},
		{"its time an hour ahead, as by a change of the clocks", at(10, time.Hour), earlierVersion{}, Foreign},
		{"its time an hour behind", at(10, -time.Hour), earlierVersion{}, Foreign},
		{"its time and another size", at(11, 0), earlierVersion{}, Foreign},
		{"our last delivery", at(20, -time.Hour), earlierVersion{last: receipt}, Ours},
		{"our last delivery, its time a second off", at(20, -time.Hour+time.Second), earlierVersion{last: receipt}, Foreign},
		{"our last delivery, an hour ahead", at(20, 0), earlierVersion{last: receipt}, Foreign},
		{"our last delivery, an hour behind", at(20, -2*time.Hour), earlierVersion{last: receipt}, Foreign},
		{"what we adopted, an hour ahead", at(30, -time.Minute+time.Hour), earlierVersion{known: known}, Foreign},
		{"what we adopted, an hour behind", at(30, -time.Minute-time.Hour), earlierVersion{known: known}, Foreign},
		{"the time of our last delivery and another size", at(21, -time.Hour), earlierVersion{last: receipt}, Foreign},
		{"what we adopted", at(30, -time.Minute+2*time.Second), earlierVersion{known: known}, Ours},
		{"what we adopted, and somebody has changed", at(31, -time.Minute), earlierVersion{known: known}, Foreign},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := judge(row.final, row.before, local); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

func TestOursBeforeSame(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	final := &remote.Info{Size: 10, ModTime: noon}
	local := file.Fingerprint{Size: 10, ModTime: noon.UnixNano()}
	ours := earlierVersion{last: &state.Delivery{Size: 10, Proof: state.Proof{RemoteModTime: noon}}}
	if got := judge(final, ours, local); got != Ours {
		t.Errorf("yesterday's file with today's time is %s, want ours: it is to be published again", got)
	}
}
