package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/windows"
)

// subtree watches a root with all below by one handle and ReadDirectoryChangesW. A handle for each directory, as fsnotify
// has it, would keep people from renaming them.
type subtree struct {
	root    string
	handle  windows.Handle
	stop    windows.Handle // an event that ends the reading
	done    windows.Handle // an event that a read has ended
	asked   *changesRoom   // the read that is under way
	pin     runtime.Pinner // the system writes to it while nothing here looks
	reading sync.WaitGroup
}

// changesRoom is what a read needs until it has ended. The list of changes is as long as a share can send.
type changesRoom struct {
	overlapped windows.Overlapped
	list       [64 << 10 / 4]uint32 // aligned, as the list wants to be
}

const wantedChanges = windows.FILE_NOTIFY_CHANGE_FILE_NAME | windows.FILE_NOTIFY_CHANGE_DIR_NAME |
	windows.FILE_NOTIFY_CHANGE_SIZE | windows.FILE_NOTIFY_CHANGE_LAST_WRITE | windows.FILE_NOTIFY_CHANGE_CREATION |
	windows.FILE_NOTIFY_CHANGE_ATTRIBUTES

// newNotifier watches root from before it returns. After an error, of which hints are told, nothing more comes: the caller makes another.
func newNotifier(root string, hints *dirty) (notifier, error) {
	n, err := newSubtree(root)
	if err != nil {
		return nil, &fs.PathError{Op: "watch", Path: root, Err: err}
	}
	n.reading.Go(func() {
		if err := n.read(hints); err != nil {
			hints.fail(fmt.Errorf("watch %s: %w", root, err))
		}
	})
	return n, nil
}

func newSubtree(root string) (*subtree, error) {
	p, err := windows.UTF16PtrFromString(extendedPath(root))
	if err != nil {
		return nil, err
	}
	n := &subtree{root: root, asked: new(changesRoom)}
	n.handle, err = windows.CreateFile(p, windows.FILE_LIST_DIRECTORY,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil, windows.OPEN_EXISTING,
		windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_OVERLAPPED, 0)
	if err != nil {
		return nil, err
	}
	if n.stop, err = windows.CreateEvent(nil, 1, 0, nil); err != nil {
		return nil, errors.Join(err, windows.CloseHandle(n.handle))
	}
	if n.done, err = windows.CreateEvent(nil, 1, 0, nil); err != nil {
		return nil, errors.Join(err, windows.CloseHandle(n.stop), windows.CloseHandle(n.handle))
	}
	n.pin.Pin(n.asked)
	// The system notes changes from the first read on: what changes between the scan that follows and a read that came later would be lost.
	if err := n.ask(); err != nil {
		n.pin.Unpin()
		return nil, errors.Join(err, windows.CloseHandle(n.done), windows.CloseHandle(n.stop), windows.CloseHandle(n.handle))
	}
	return n, nil
}

// ask begins a read. What changes between two reads the system keeps for the next.
func (n *subtree) ask() error {
	n.asked.overlapped = windows.Overlapped{HEvent: n.done}
	room := asBytes(n.asked.list[:])
	err := windows.ReadDirectoryChanges(n.handle, &room[0], uint32(len(room)), true, wantedChanges, nil, &n.asked.overlapped, 0)
	if errors.Is(err, windows.ERROR_IO_PENDING) {
		return nil
	}
	return err
}

// read moves changes into hints until it is stopped, which is no error.
func (n *subtree) read(hints *dirty) error {
	defer n.pin.Unpin()
	room := asBytes(n.asked.list[:])
	for {
		woken, err := windows.WaitForMultipleObjects([]windows.Handle{n.stop, n.done}, false, windows.INFINITE)
		stopped := err != nil || woken == windows.WAIT_OBJECT_0
		if stopped {
			_ = windows.CancelIoEx(n.handle, &n.asked.overlapped) // it may have ended by itself
		}
		var length uint32
		readErr := windows.GetOverlappedResult(n.handle, &n.asked.overlapped, &length, true)
		switch {
		case stopped:
			return err
		case errors.Is(readErr, windows.ERROR_NOTIFY_ENUM_DIR), readErr == nil && length == 0:
			hints.fail(fsnotify.ErrEventOverflow) // more than there was room for
		case readErr != nil:
			return readErr
		default:
			found, err := parseNotifications(room[:min(int(length), len(room))])
			for _, change := range found {
				change.hintInto(hints, n.root, longPath)
			}
			if err != nil {
				return err
			}
		}
		if err := n.ask(); err != nil {
			return err
		}
	}
}

func (n *subtree) recursive() bool { return true }

// add has nothing to do: the root is watched since newNotifier.
func (n *subtree) add(string) error { return nil }

func (n *subtree) remove(string) {}

func (n *subtree) close() error {
	err := windows.SetEvent(n.stop)
	n.reading.Wait()
	return errors.Join(err, windows.CloseHandle(n.handle), windows.CloseHandle(n.stop), windows.CloseHandle(n.done))
}

// longPath expands short (8.3) names in the path of something that exists.
func longPath(name string) (string, error) {
	p, err := windows.UTF16PtrFromString(extendedPath(name))
	if err != nil {
		return "", err
	}
	buf := make([]uint16, windows.MAX_LONG_PATH)
	length, err := windows.GetLongPathName(p, &buf[0], uint32(len(buf)))
	if err != nil {
		return "", err
	}
	return plainPath(windows.UTF16ToString(buf[:min(int(length), len(buf))])), nil
}
