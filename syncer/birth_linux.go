package syncer

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// birthOf returns when an open directory was made, in nanoseconds since 1970; 0 where the system does not tell.
func birthOf(d *os.File) int64 {
	var st unix.Statx_t
	err := unix.Statx(int(d.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_BTIME, &st)
	if err != nil || st.Mask&unix.STATX_BTIME == 0 {
		return 0
	}
	return time.Unix(st.Btime.Sec, int64(st.Btime.Nsec)).UnixNano()
}
