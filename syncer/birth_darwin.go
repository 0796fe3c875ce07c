package syncer

import (
	"os"
	"syscall"
)

// birthOf returns when an open directory was made, in nanoseconds since 1970; 0 where the system does not tell.
func birthOf(d *os.File) int64 {
	info, err := d.Stat()
	if err != nil {
		return 0
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return st.Birthtimespec.Nano()
}
