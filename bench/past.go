package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state/fill"
)

// past is a folder whose files were all delivered long ago.
type past struct {
	*bed
	root  string
	files int // besides the pattern
}

// pattern is the one file that is really delivered: see package fill.
const pattern = "pattern"

// The tree has directories of so many files each, in so many groups.
const (
	pastEach   = 100
	pastGroups = 30
)

// past makes a folder with one delivered file, for an agent that is to be given more of them.
func (s *stage) past(ctx context.Context, name string) (*past, error) {
	b, err := s.bed(name, network{})
	if err != nil {
		return nil, err
	}
	p := &past{bed: b, root: filepath.Join(b.scratch, "folder")}
	b.folders = []folder{{"bench", p.root, payload, []string{quiet}}}
	if err := os.Mkdir(p.root, 0o700); err != nil {
		return p, err
	}
	if err := os.WriteFile(filepath.Join(p.root, pattern), []byte("x"), 0o600); err != nil {
		return p, err
	}
	_, delivered, err := p.once(ctx)
	if err == nil && delivered != 1 {
		err = fmt.Errorf("%d files were delivered instead of one", delivered)
	}
	return p, err
}

// grow adds empty files until there are n, known as delivered.
func (p *past) grow(ctx context.Context, n int) error {
	from, to := p.files/pastEach, (n+pastEach-1)/pastEach
	for d := range to {
		if d < from {
			continue
		}
		dir := filepath.Join(p.root, pastDir(d))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		for i := range pastEach {
			f, err := os.OpenFile(filepath.Join(dir, pastName(i)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err == nil {
				err = f.Close()
			}
			if err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	p.files = to * pastEach
	var failed error
	if err := fill.Deliveries(ctx, p.state(), pattern, p.seen(from, to, &failed)); err != nil {
		return err
	}
	return failed
}

func pastDir(d int) string  { return fmt.Sprintf("group-%02d/directory-%05d", d%pastGroups, d) }
func pastName(i int) string { return fmt.Sprintf("some-file-%04d.xml", i) }

// seen yields the files of some directories in the order of their paths, which is the store's.
func (p *past) seen(from, to int, failed *error) iter.Seq[fill.File] {
	return func(yield func(fill.File) bool) {
		for g := range pastGroups {
			for d := g; d < to; d += pastGroups {
				if d < from {
					continue
				}
				for i := range pastEach {
					path := file.Path(pastDir(d)).Join(pastName(i))
					print, _, err := file.Lstat(path.In(p.root))
					if err != nil {
						*failed = err
						return
					}
					if !yield(fill.File{Path: path, Fingerprint: print}) {
						return
					}
				}
			}
		}
	}
}

// once runs `dropferry once` under a meter, and tells how many files it has delivered.
func (p *past) once(ctx context.Context) (reading, int, error) {
	config, err := p.write()
	if err != nil {
		return reading{}, 0, err
	}
	r, err := p.meter.run(ctx, 2*time.Minute, []string{p.binary, "--config", config, "--quiet", "--json", "once"})
	if err != nil {
		return r, 0, err
	}
	var summary struct{ Delivered, Failed, Held int }
	if err := probed(r, &summary, "once"); err != nil {
		return r, 0, err
	}
	return r, summary.Delivered, nil
}
