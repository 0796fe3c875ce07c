//go:build !windows

package watcher

import (
	"sync"

	"github.com/fsnotify/fsnotify"
)

// directories watches one directory at a time, because fsnotify offers no recursion.
type directories struct {
	fsn     *fsnotify.Watcher
	reading sync.WaitGroup
	spend   *budget
}

// newNotifier starts a goroutine that moves events into hints; close ends it. Nothing is watched yet.
func newNotifier(_ string, hints *dirty) (notifier, error) {
	fsn, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	n := &directories{fsn: fsn, spend: newBudget(descriptorBudget(), countNames)}
	n.reading.Go(func() { read(fsn, hints) })
	return n, nil
}

// read moves events into the dirty set and does nothing else: the kernel's queue is short.
func read(fsn *fsnotify.Watcher, hints *dirty) {
	for {
		select {
		case event, ok := <-fsn.Events:
			if !ok {
				return
			}
			hints.add(event.Name, event.Op)
		case err, ok := <-fsn.Errors:
			if !ok {
				return
			}
			hints.fail(err)
		}
	}
}

func (n *directories) recursive() bool { return false }

func (n *directories) add(name string) error {
	if err := n.spend.take(name); err != nil {
		return err
	}
	err := n.fsn.Add(name)
	if err != nil {
		n.spend.giveBack(name)
	}
	return err
}

func (n *directories) remove(name string) {
	n.spend.giveBack(name)
	_ = n.fsn.Remove(name) // the watch is gone already if the directory is, or was renamed
}

func (n *directories) close() error {
	err := n.fsn.Close()
	n.reading.Wait()
	return err
}
