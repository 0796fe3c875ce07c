//go:build !linux && !windows

package watcher

import (
	"os"
	"syscall"
)

// openFile opens name in d for reading. It returns at once even for a FIFO.
func (d *dir) openFile(name string) (*os.File, error) {
	return d.root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}

// systemPath has nothing to do: paths have one form.
func systemPath(path string) string { return path }

// isBusy tells whether open failed because of a writer: nothing does here.
func isBusy(error) bool { return false }

// probeWriters cannot tell: there is no way to ask for writers.
func probeWriters(*os.File) writers { return writersUnknown }
