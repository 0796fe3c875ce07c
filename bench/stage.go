package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// stage is all that runs need: files, a server, programs.
type stage struct {
	dir      string // the benchmark's own, removed at the end
	server   *server
	sources  []source
	programs []program // dropferry first
	missing  []string  // peers that are not installed
	meter    meter
	limit    time.Duration
	progress io.Writer
}

// prepare makes a stage. close ends it.
func prepare(ctx context.Context, o options, progress io.Writer) (s *stage, err error) {
	s = &stage{limit: o.limit, progress: progress}
	if s.dir, err = makeDir(o); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
			s = nil
		}
	}()
	if err := s.findPrograms(ctx, o); err != nil {
		return s, err
	}
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
	for i, w := range o.workloads {
		s.say("writing %s", w)
		made, err := w.make(filepath.Join(s.dir, fmt.Sprintf("source-%d", i)))
		if err != nil {
			return s, err
		}
		s.sources = append(s.sources, made)
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
	}
	return s, nil
}

// findPrograms finds or builds what is to be measured.
func (s *stage) findPrograms(ctx context.Context, o options) error {
	binary := o.dropferry
	if binary == "" {
		s.say("building dropferry")
		var err error
		if binary, err = buildDropferry(ctx, s.dir); err != nil {
			return err
		}
	}
	for _, own := range []struct{ name, binary string }{{"dropferry", binary}, {"against", o.against}} {
		if own.binary == "" {
			continue
		}
		p, err := ownProgram(ctx, own.name, own.binary)
		if err != nil {
			return err
		}
		s.programs = append(s.programs, p)
	}
	found, missing := installed(ctx, o.peers)
	s.programs, s.missing = append(s.programs, found...), missing
	for _, name := range missing {
		s.say("%s is not installed and left out", name)
	}
	return nil
}

// makeDir makes the directory for all files, in memory if they fit there.
func makeDir(o options) (string, error) {
	need := int64(64 << 20) // state, logs, the binary
	largest := int64(0)
	for _, w := range o.workloads {
		need += w.bytes()
		largest = max(largest, w.bytes())
	}
	need += 2 * largest // a result, and room
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
