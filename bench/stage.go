package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// stage is all that the parts need: room for files, a server, a dropferry.
type stage struct {
	options
	began    time.Time
	dir      string // the benchmark's own, removed at the end
	server   *server
	binary   string // of dropferry
	version  string
	machine  machine
	meter    meter
	progress io.Writer
}

// prepare makes a stage. close ends it.
func prepare(ctx context.Context, o options, progress io.Writer) (s *stage, err error) {
	s = &stage{options: o, began: time.Now(), progress: progress}
	if s.dir, err = makeDir(o); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
			s = nil
		}
	}()
	s.machine = describeMachine(s.dir)
	if s.binary = o.dropferry; s.binary == "" {
		s.say("building dropferry")
		if s.binary, err = buildDropferry(ctx, s.dir); err != nil {
			return s, err
		}
	}
	if s.binary, err = filepath.Abs(s.binary); err != nil {
		return s, err
	}
	if _, err := os.Stat(s.binary); err != nil {
		return s, err
	}
	s.version = versionOf(ctx, []string{s.binary, "version"})
	home := filepath.Join(s.dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return s, err
	}
	self, err := os.Executable()
	if err != nil {
		return s, err
	}
	// No agent, no files of the user, and the same for all.
	s.meter = meter{self, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "LC_ALL=C"}}
	if s.server, err = startServer(s.dir); err != nil {
		return s, err
	}
	return s, ctx.Err()
}

// wanted is how many bytes of files there may be at once, at most.
func wanted(o options) int64 {
	need := int64(256 << 20) // state, logs, binaries, what the other parts send
	if slices.ContainsFunc(o.parts, func(p part) bool { return p.name == "known" }) {
		need += int64(o.scale * knownMemory)
	}
	if slices.ContainsFunc(o.parts, func(p part) bool { return p.name == "delta" }) {
		need += int64(o.scale * 6 * deltaSize) // both versions, one and its temp at the server, and what is touched before
	}
	if !slices.ContainsFunc(o.parts, func(p part) bool { return p.name == "transfers" }) {
		return need
	}
	largest, counted := int64(0), map[workload]bool{}
	for _, c := range o.cells {
		if w := c.workload; !counted[w] {
			counted[w] = true
			need += w.bytes()
			largest = max(largest, w.bytes())
		}
	}
	return need + 2*largest // a result, and room
}

// makeDir makes the directory for all files, in memory if they fit there.
func makeDir(o options) (string, error) {
	need := wanted(o)
	parents := []string{"/dev/shm", os.TempDir()}
	if o.dir != "" {
		parents = []string{o.dir}
	}
	var errs []error
	for _, parent := range parents {
		free, _, err := fileSystem(parent)
		switch {
		case err != nil:
		case free < need:
			err = fmt.Errorf("%s has %s free, and %s are needed", parent, formatBytes(free), formatBytes(need))
		default:
			if err = safePath(parent); err == nil {
				var dir string
				if dir, err = os.MkdirTemp(parent, "dropferry-bench-"); err == nil {
					return filepath.Abs(dir)
				}
			}
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// own makes a directory of a part's own, and returns what removes it.
func (s *stage) own(name string) (dir string, remove func() error, err error) {
	dir, err = os.MkdirTemp(s.dir, name+"-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

// scaled is a number of things in a part, at least least.
func (s *stage) scaled(n, least int) int { return max(least, int(float64(n)*s.scale)) }

// scaledTime is how long something goes on in a part, at least least.
func (s *stage) scaledTime(d, least time.Duration) time.Duration {
	return max(least, time.Duration(float64(d)*s.scale))
}

// close ends the server and removes all files.
func (s *stage) close() error {
	if s.server != nil {
		s.server.close()
	}
	return os.RemoveAll(s.dir)
}

// say tells how it goes on.
func (s *stage) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.progress, format+"\n", args...) // nobody has to read it
}
