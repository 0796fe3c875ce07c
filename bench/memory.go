package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// spareMemory is what processes, stores and directories need besides the files that are sent.
const spareMemory = 128 << 20

// touch has the system find as much memory as files will need, and gives it back. A virtual machine gets memory from its host
// when it uses it, and gives back what it has not used for a while. To get it takes ten times as long as to write to it: without
// this, some would pay for it and others not. Where files are on a disk there is nothing to do.
func touch(ctx context.Context, dir string, bytes int64) (err error) {
	if _, kind, err := fileSystem(dir); err != nil || kind != "tmpfs" {
		return err
	}
	name := filepath.Join(dir, "memory")
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(name)) }()
	buffer := make([]byte, 1<<20)
	for n := int64(0); n < bytes && ctx.Err() == nil; n += int64(len(buffer)) {
		if _, err := f.Write(buffer); err != nil {
			return err
		}
	}
	return ctx.Err()
}
