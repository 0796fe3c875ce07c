package state

import (
	"os"

	"github.com/dropferry/dropferry/rights"
)

// makeDirectory makes the state directory for this account, the system and administrators, where there is none. It
// inherits nothing: in the root of a disk all users may read.
func makeDirectory(dir string) error { return rights.Make(dir, rights.Self) }

// ownAsDirectory does nothing: files inherit their access from the directory.
func ownAsDirectory(*os.File) error { return nil }

// syncDirectory does nothing: NTFS keeps names in its own log.
func syncDirectory(string) error { return nil }
