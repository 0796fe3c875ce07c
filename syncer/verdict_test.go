package syncer

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

func TestJudgeFailure(t *testing.T) {
	retry := Retry{Initial: time.Second, Max: time.Minute, GiveUpAfter: 72 * time.Hour}
	at := func(k remote.Kind) error {
		return fmt.Errorf("wrapped: %w", &remote.Error{Op: "put", Destination: "acme", Kind: k, Err: errors.New("no")})
	}
	const alive, dead = true, false
	first, second, third := failed{times: 1, alike: 1}, failed{times: 2, alike: 2}, failed{times: 3, alike: 3}
	resumed := func(f failed) failed { f.resumed = true; return f }
	full := func(f failed) failed { f.full = true; return f }
	since := func(ago time.Duration) failed { return failed{times: 9, failing: ago} }
	for _, row := range []struct {
		name   string
		err    error
		alive  bool
		failed failed
		want   action
		phase  state.Phase
	}{
		{"somebody else's file", conflict("/in/a", &remote.Info{}, nil), alive, first, hold, state.Held},
		{"a temp that vanished", errAmbiguous, alive, first, hold, state.Held},
		{"a temp that vanished before it was published", &errNotPublished{"/in/.a.part", errVanished}, alive, first, sendAgain, ""},
		{"a temp that is damaged", &errNotPublished{"/in/.a.part", at(remote.Integrity)}, alive, third, sendAgain, ""},

		{"a source that is written to", fmt.Errorf("open a: %w", watcher.ErrBusy), alive, first, replan, ""},
		{"a source that has changed", fmt.Errorf("read a: %w", watcher.ErrChanged), alive, first, replan, ""},
		{"a source that is gone", &fs.PathError{Op: "open", Path: "a", Err: fs.ErrNotExist}, alive, first, replan, ""},
		{"a source that is gone, whatever became of the session", &fs.PathError{Op: "open", Path: "a", Err: fs.ErrNotExist}, dead, first, replan, ""},
		{"a source that cannot be read", &fs.PathError{Op: "open", Path: "a", Err: fs.ErrPermission}, alive, third, later, ""},

		{"the connection is lost", at(remote.Transient), dead, first, again, ""},
		{"the connection is lost after 72 hours of failures", at(remote.Transient), dead, since(100 * time.Hour), again, ""},
		{"one request fails on a live connection", at(remote.Transient), alive, first, later, ""},
		{"the root is missing", at(remote.Root), alive, since(100 * time.Hour), pause, ""},
		{"the disk is full", at(remote.DiskFull), alive, since(100 * time.Hour), pause, ""},

		{"a remote file is missing", at(remote.Missing), alive, first, later, ""},
		{"denied once", at(remote.Permission), alive, first, later, ""},
		{"denied twice", at(remote.Permission), alive, second, setAside, state.Parked},
		{"refused once", at(remote.Refused), alive, first, later, ""},
		{"refused twice", at(remote.Refused), alive, second, later, ""},
		{"refused three times", at(remote.Refused), alive, third, setAside, state.Parked},
		{"refused for the first time, after failures of other kinds", at(remote.Refused), alive, failed{times: 3, alike: 1}, later, ""},
		{"denied for the first time, after failures of other kinds", at(remote.Permission), alive, failed{times: 2, alike: 1}, later, ""},
		{"refused three times to go on", at(remote.Refused), alive, resumed(third), anew, ""},
		{"denied twice to go on", at(remote.Permission), alive, resumed(second), anew, ""},
		{"the server does not let it go on", at(remote.Unsupported), alive, resumed(first), anew, ""},
		{"nor to begin at the beginning", at(remote.Unsupported), alive, failed{times: 2, alike: 2, resumed: true, anew: true}, setAside, state.Parked},
		{"something stands there", at(remote.Exists), alive, resumed(first), setAside, state.Parked},
		{"refused, while others find the disk full", at(remote.Refused), alive, full(third), pause, ""},
		{"denied, while others find the disk full", at(remote.Permission), alive, full(second), setAside, state.Parked},
		{"a file where a directory is needed", at(remote.Exists), alive, first, setAside, state.Parked},
		{"the server lacks the operation", at(remote.Unsupported), alive, first, setAside, state.Parked},
		{"other bytes arrived", at(remote.Integrity), alive, failed{times: 1, mismatches: 1}, later, ""},
		{"other bytes arrived, after failures of another kind", at(remote.Integrity), alive, failed{times: 9, mismatches: 1}, later, ""},
		{"other bytes arrived again", at(remote.Integrity), alive, failed{times: 2, mismatches: 2}, hold, state.Held},

		{"failing for 71 hours", at(remote.Missing), alive, since(71 * time.Hour), later, ""},
		{"failing for 73 hours", at(remote.Missing), alive, since(73 * time.Hour), setAside, state.Parked},
		{"the first failure, though the file is old", at(remote.Missing), alive, first, later, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := judgeFailure(row.err, row.alive, row.failed, retry, rand.New(rand.NewPCG(1, 2)))
			if got.action != row.want || got.phase != row.phase {
				t.Errorf("%s %s, want %s %s", got.action, got.phase, row.want, row.phase)
			}
			if got.action == later && got.wait <= 0 {
				t.Error("it would be tried again at once")
			}
		})
	}
}

// TestJudgeLostConnections waits for one lost connection no longer than for a new one, and for further ones longer and
// longer: a file that kills its connection must not keep others from theirs.
func TestJudgeLostConnections(t *testing.T) {
	retry := Retry{Initial: time.Second, Max: time.Minute}
	lost := &remote.Error{Kind: remote.Transient, Err: errors.New("reset")}
	for n, most := range []time.Duration{0, 0, time.Second, 2 * time.Second, 4 * time.Second} {
		v := judgeFailure(lost, false, failed{lost: n}, retry, rand.New(rand.NewPCG(1, 2)))
		if v.action != again || v.wait > most || (most > 0 && v.wait < most/10) {
			t.Errorf("after %d lost connections: %s in %v, want again in at most %v", n, v.action, v.wait, most)
		}
	}
}

func TestConflictNamesWhatStandsThere(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		info remote.Info
		want string
	}{
		{remote.Info{Size: 7, ModTime: at}, "a file of 7 bytes from 2026-03-01T12:00:00Z"},
		{remote.Info{Mode: fs.ModeDir}, "a directory"},
		{remote.Info{Mode: fs.ModeSymlink}, "something that is no file"},
	} {
		if got := conflict("/in/a", &row.info, nil).Error(); !strings.Contains(got, "/in/a holds "+row.want) {
			t.Errorf("%q does not tell of %s", got, row.want)
		}
	}
}

// TestSpent counts the time in which a file could be tried, whatever the clock shows.
func TestSpent(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const told, took = 5 * time.Minute, 10 * time.Second
	for _, row := range []struct {
		name   string
		intent state.Intent
		began  time.Time
		own    bool
		want   time.Duration
	}{
		{"the first failure", state.Intent{}, noon, true, 0},
		{"tried at its time", state.Intent{Failures: 1, FailedAt: noon, NextAttempt: noon.Add(told)}, noon.Add(told), true, told + took},
		{"tried before its time, by once", state.Intent{Failures: 1, FailedAt: noon, NextAttempt: noon.Add(told)}, noon.Add(time.Second), true, time.Second + took},
		{"tried after an outage of days", state.Intent{Failures: 1, FailedAt: noon, NextAttempt: noon.Add(told)}, noon.AddDate(0, 0, 3), true, told + took},
		{"a person wanted it at once", state.Intent{Failures: 1, FailedAt: noon}, noon.Add(time.Hour), true, took},
		{"the connection was lost", state.Intent{Failures: 1, FailedAt: noon, NextAttempt: noon.Add(told)}, noon.Add(told), false, told},
		{"the clock was put forward by years", state.Intent{Failures: 1, FailedAt: noon, NextAttempt: noon.Add(told)}, noon.AddDate(10, 0, 0), true, told + took},
		{"the clock was put back by years", state.Intent{Failures: 1, FailedAt: noon, NextAttempt: noon.Add(told)}, noon.AddDate(-10, 0, 0), true, took},
		{"the server had no room", state.Intent{Failures: 1, FailedAt: noon, NextAttempt: noon.Add(told), LastError: "put acme:a: the server's disk is full (0 KiB free)"}, noon.Add(told), true, took},
		{"what is stored makes no sense", state.Intent{Failures: 1, FailedAt: noon, NextAttempt: noon.Add(-told)}, noon.Add(time.Hour), true, took},
	} {
		if got := spent(&row.intent, row.began, took, row.own); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

func TestNextTemp(t *testing.T) {
	const id = "0123456789abcdef"
	long := strings.Repeat("x", 200)
	for _, row := range []struct{ name, temp, want string }{
		{"the first", "/in/.a.xml." + id + ".part", "/in/.a.xml.2." + id + ".part"},
		{"the second", "/in/.a.xml.2." + id + ".part", "/in/.a.xml.3." + id + ".part"},
		{"of many", ".a.99." + id + ".part", ".a.100." + id + ".part"},
		{"a name that ends in a number", ".log.7." + id + ".part", ".log.8." + id + ".part"},
		{"a name that ends in no generation", ".log.20261120123456." + id + ".part", ".log.20261120123456.2." + id + ".part"},
		{"a name without a name", "." + "." + id + ".part", "..2." + id + ".part"},
		{"a long name", "." + long[:100] + "." + id + ".part", "." + long[:98] + ".2." + id + ".part"},
		{"written at its final name", "", ""},
		{"not the intent's", "/in/.a.fedcba9876543210.part", ""},
	} {
		got := nextTemp(row.temp, id)
		if got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
		if _, base := path.Split(got); got != "" && (!file.IsPrivate(base) || len(base) > 255) {
			t.Errorf("%s: %s is not private", row.name, got)
		}
	}
}

// TestATempIsNeverUsedTwice whatever the name of the file is.
func TestATempIsNeverUsedTwice(t *testing.T) {
	const id = "0123456789abcdef"
	for _, name := range []string{"a", "a.1", "a.2", "2", ".2", "a.", "", "a.002", "a.2147483647", strings.Repeat("9", 120), strings.Repeat("x.9", 40)} {
		seen := map[string]bool{}
		for temp, n := file.PrivateName(name, id, file.TempSuffix), 0; n < 150; n++ {
			if seen[temp] {
				t.Fatalf("%q: %s a second time, as number %d", name, temp, n)
			}
			seen[temp] = true
			temp = nextTemp(temp, id)
		}
	}
}
