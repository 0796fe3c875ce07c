package sftptest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/dropferry/dropferry/file"
)

// Sighting is what stood under a final name at one moment.
type Sighting struct {
	Name   string // path below the observed directory, with "/"
	Size   int64  // bytes when the file was opened
	SHA256 string // of those bytes, in hex; "" if the file was gone before it could be opened
	At     time.Time
}

// Observer watches a directory at the server's side, as a partner does who takes files the moment they appear. It reads
// each file that has a name other than dropferry's private ones at once, so that half a file under a final name is
// noticed. Kernel events tell it when to look; it looks by itself every few milliseconds too.
type Observer struct {
	dir     string
	watcher *fsnotify.Watcher
	ask     chan chan struct{}
	end     chan struct{}
	running sync.WaitGroup

	mu   sync.Mutex
	seen []Sighting

	// The rest belongs to the one goroutine that looks.
	last    map[string]known // a name's last sighting
	watched map[string]bool
	late    []fsnotify.Event // that came while a watch was added, and were not looked at yet
}

// known is what a sighting was of.
type known struct {
	info   fs.FileInfo
	sha256 string
}

// observeEvery is how often the observer looks without an event.
const observeEvery = 20 * time.Millisecond

// Observe observes dir and what is below it until the test ends. Files that are there already count.
func Observe(tb TB, dir string) *Observer {
	tb.Helper()
	w, err := fsnotify.NewWatcher()
	if err != nil {
		tb.Fatalf("observe %s: %v", dir, err)
	}
	o := &Observer{
		dir: dir, watcher: w, ask: make(chan chan struct{}), end: make(chan struct{}),
		last: map[string]known{}, watched: map[string]bool{},
	}
	o.scan(dir)
	o.running.Go(o.watch)
	tb.Cleanup(func() {
		close(o.end)
		o.running.Wait()
		if err := w.Close(); err != nil {
			tb.Logf("end the observer: %v", err)
		}
	})
	return o
}

// Seen returns all sightings in their order, after one more look. A file that keeps its name and content is seen once;
// another one under its name is seen again, with the same content too.
func (o *Observer) Seen() []Sighting {
	done := make(chan struct{})
	select {
	case o.ask <- done:
		<-done
	case <-o.end:
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]Sighting(nil), o.seen...)
}

func (o *Observer) watch() {
	tick := time.NewTicker(observeEvery)
	defer tick.Stop()
	for {
		o.catchUp()
		select {
		case e, ok := <-o.watcher.Events:
			if !ok {
				return
			}
			o.take(e)
		case _, ok := <-o.watcher.Errors: // lost events: the next look by itself makes up for them
			if !ok {
				return
			}
		case <-tick.C:
			o.scan(o.dir)
		case done := <-o.ask:
			o.drain()
			o.scan(o.dir)
			close(done)
		case <-o.end:
			return
		}
	}
}

// drain looks at what the events so far are about.
func (o *Observer) drain() {
	for {
		o.catchUp()
		select {
		case e := <-o.watcher.Events:
			o.take(e)
		default:
			return
		}
	}
}

// take looks at what an event is about.
func (o *Observer) take(e fsnotify.Event) {
	if !e.Has(fsnotify.Remove) && !e.Has(fsnotify.Rename) { // those are of the old name
		o.look(e.Name, e.Has(fsnotify.Create))
	}
}

// catchUp looks at what the events are about that came while a watch was added.
func (o *Observer) catchUp() {
	for len(o.late) > 0 {
		e := o.late[0]
		o.late = o.late[1:]
		o.take(e)
	}
}

// add watches dir. Under Windows that waits until events that come at the same time have been taken.
func (o *Observer) add(dir string) bool {
	added := make(chan error, 1)
	go func() { added <- o.watcher.Add(dir) }()
	for {
		select {
		case err := <-added:
			return err == nil
		case e, ok := <-o.watcher.Events:
			if !ok {
				return false
			}
			o.late = append(o.late, e)
		case <-o.watcher.Errors: //nolint:errcheck // lost events: see watch
		}
	}
}

// scan looks at all that is in dir.
func (o *Observer) scan(dir string) {
	if !o.watched[dir] {
		// Before the names are read, so that none falls between.
		o.watched[dir] = o.add(dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		delete(o.watched, dir) // it is gone, and its watch with it
		return
	}
	for _, e := range entries {
		o.look(filepath.Join(dir, e.Name()), false)
	}
}

// look takes a sighting of name unless it is the one that was taken last. appeared is for a name that an event has told
// of: it counts even when it is gone by now.
func (o *Observer) look(name string, appeared bool) {
	if file.IsPrivate(filepath.Base(name)) {
		return
	}
	info, err := os.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		if info.IsDir() {
			o.scan(name)
		}
		return
	}
	s := Sighting{Name: name, At: time.Now()}
	if rel, ok := file.Rel(o.dir, name); ok {
		s.Name = string(rel)
	}
	if err == nil {
		last, ok := o.last[name]
		same := ok && os.SameFile(last.info, info)
		if same && last.info.Size() == info.Size() && last.info.ModTime().Equal(info.ModTime()) {
			return
		}
		if info, err = s.read(name); err == nil {
			o.last[name] = known{info, s.SHA256}
			if same && os.SameFile(last.info, info) && last.sha256 == s.SHA256 {
				return // only its attributes have changed
			}
		}
	}
	if err != nil {
		if !appeared || !errors.Is(err, fs.ErrNotExist) {
			return
		}
		delete(o.last, name)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, s)
}

// read hashes as many bytes as the file has when it is opened, so that a file which still grows shows the size that a
// reader found.
func (s *Sighting) read(name string) (fs.FileInfo, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	if s.Size, err = io.Copy(h, io.LimitReader(f, info.Size())); err != nil {
		return nil, err
	}
	s.SHA256 = hex.EncodeToString(h.Sum(nil))
	return info, nil
}
