package watcher

import (
	"errors"
	"fmt"
	"io/fs"
)

// identity tells one root from another that has taken its name: after a removal, a remount or a mount over it.
type identity struct {
	dev, inode uint64
	mount      uint64 // of the mount that it was reached by; 0 where the system does not tell
}

// rootLook is what a look at a root finds.
type rootLook struct {
	identity
	mountPoint bool // a file system is mounted here; false also where the system does not tell
}

// ErrUnmounted is of a place in a folder, or its root, where a file system was mounted that is not any more. What it held is
// unknown, and not gone.
var ErrUnmounted = errors.New("nothing is mounted here any more")

// lookAtRoot opens the root to see what it is now. Nothing else tells: when a root is unmounted, mounted over, or removed
// and made again, the kernel's events simply end.
func lookAtRoot(root string) (rootLook, error) {
	d, err := openRoot(root)
	if err != nil {
		return rootLook{}, err
	}
	defer d.close()
	return d.look()
}

// rootReason says why a root cannot be used.
func rootReason(root string, err error) string {
	switch {
	case errors.Is(err, ErrUnmounted):
		return fmt.Sprintf("Nothing is mounted at %s any more. Waiting until it is mounted again; nothing is taken for gone.", root)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("%s does not exist. Waiting until it appears; nothing is taken for gone.", root)
	default:
		return fmt.Sprintf("%s cannot be read: %v. Waiting until it can; nothing is taken for gone.", root, err)
	}
}

// plainLook returns what every system tells.
func (d *dir) plainLook() (rootLook, error) {
	st, err := d.stat()
	return rootLook{identity: identity{dev: st.Dev, inode: st.Inode}}, err
}
