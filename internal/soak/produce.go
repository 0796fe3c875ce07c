package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dropferry/dropferry/file"
)

// production is what the producers have completed.
type production struct {
	seed  uint64
	began time.Time
	roots map[string]string // folder: its directory
	root  string            // of the server
	there map[string]string // folder: its directory at the server, below the root

	mu       sync.Mutex
	versions []version
	last     map[string]int // name: its last version, while it stands
}

// produce plays a producer's script to its end.
func (p *production) produce(ctx context.Context, number int, steps []step) error {
	for _, s := range steps {
		if err := sleep(ctx, time.Until(p.began.Add(s.At))); err != nil {
			return nil // the soak ends early
		}
		if err := p.do(ctx, producers[number].Folder, s); err != nil && ctx.Err() == nil {
			return fmt.Errorf("produce: %s %s: %w", s.Do, s.Name, err)
		}
	}
	return nil
}

func (p *production) do(ctx context.Context, folder string, s step) error {
	here := filepath.Join(p.roots[folder], filepath.FromSlash(s.Name))
	if err := os.MkdirAll(filepath.Dir(here), 0o700); err != nil {
		return err
	}
	name := p.at(folder, s.Name)
	switch s.Do {
	case rename:
		return p.rename(here, filepath.Join(p.roots[folder], filepath.FromSlash(s.To)), name, p.at(folder, s.To))
	case touch:
		now := time.Now()
		return os.Chtimes(here, now, now)
	case over:
		return p.overwrite(ctx, here, name, s)
	}
	// What has left by now was delivered. What leaves between this look and the write only counts for less.
	_, err := os.Lstat(here)
	p.ended(name, endOf(err))
	sum, err := p.write(ctx, here, s)
	if err != nil {
		return err
	}
	p.completed(version{Name: name, SHA256: sum, Size: s.Size})
	return nil
}

const (
	underWayWithin = 3 * time.Second
	underWayLook   = 2 * time.Millisecond
)

// underWay waits until a file is being sent, if that happens soon: there are bytes of it at the server, in a temp.
func (p *production) underWay(ctx context.Context, name string) error {
	dir, base := path.Split(name)
	start := "." + base + "."
	for end := time.Now().Add(underWayWithin); time.Now().Before(end); {
		all, err := os.ReadDir(filepath.Join(p.root, filepath.FromSlash(dir)))
		if ignoreMissing(err) != nil {
			return err
		}
		for _, e := range all {
			if !strings.HasPrefix(e.Name(), start) || !file.IsPrivate(e.Name()) {
				continue
			}
			if info, err := e.Info(); err == nil && info.Size() > 0 {
				return nil
			}
		}
		if err := sleep(ctx, underWayLook); err != nil {
			return err
		}
	}
	return nil
}

// at returns where a file of a folder is to be published, below the server's root.
func (p *production) at(folder, name string) string { return path.Join(p.there[folder], name) }

func endOf(err error) end {
	if errors.Is(err, fs.ErrNotExist) {
		return left
	}
	return replaced
}

// rename gives a file another name, unless it has left already.
func (p *production) rename(from, to, oldName, newName string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	err := os.Rename(from, to)
	if errors.Is(err, fs.ErrNotExist) {
		p.ended(oldName, left)
		return nil
	}
	if err != nil {
		return err
	}
	if v, ok := p.ended(oldName, renamed); ok {
		p.completed(version{Name: newName, SHA256: v.SHA256, Size: v.Size})
	}
	return nil
}

// write writes a version as its step says.
func (p *production) write(ctx context.Context, here string, s step) (sum string, err error) {
	name, flag := here, os.O_CREATE|os.O_WRONLY|os.O_TRUNC
	switch s.Do {
	case drop:
		name += ".tmp"
	case grow:
		flag = os.O_WRONLY | os.O_APPEND
	}
	f, err := os.OpenFile(name, flag, 0o600)
	if err != nil {
		return "", err
	}
	var pause func() error
	if s.Pace > 0 {
		each := s.Pace / time.Duration(max(s.Size/chunk, 1))
		pause = func() error { return sleep(ctx, each) }
	}
	sum, err = content{p.seed, s.Content}.write(f, s.From, s.Size, pause)
	err = errors.Join(err, f.Close())
	if err == nil && name != here {
		err = os.Rename(name, here)
	}
	return sum, err
}

// overwrite writes over a file of the mirror while it is sent, at once: the content is ready before.
func (p *production) overwrite(ctx context.Context, here, name string, s step) error {
	var b bytes.Buffer
	sum, err := content{p.seed, s.Content}.write(&b, 0, s.Size, nil)
	if err != nil {
		return err
	}
	if err := p.underWay(ctx, name); err != nil {
		return err
	}
	p.ended(name, replaced)
	f, err := os.OpenFile(here, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(b.Bytes())
	if err = errors.Join(err, f.Close()); err == nil {
		p.completed(version{Name: name, SHA256: sum, Size: s.Size})
	}
	return err
}

// completed records a version.
func (p *production) completed(v version) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v.Completed = time.Now()
	p.last[v.Name] = len(p.versions)
	p.versions = append(p.versions, v)
}

// ended records what became of a name's last version, and returns it.
func (p *production) ended(name string, how end) (version, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := p.last[name]
	if !ok {
		return version{}, false
	}
	delete(p.last, name)
	p.versions[i].End = how
	return p.versions[i], true
}

// sleep waits for a time, which may be over already, or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
