//go:build unix

package service

import (
	"fmt"
	"os"
	"syscall"
)

// OnJournal tells whether what is written to f goes to systemd's journal: it names the stream that it has made in the
// environment, and a stream that was led elsewhere since is another one. See JOURNAL_STREAM in systemd.exec(5).
func OnJournal(f *os.File) bool {
	stream := os.Getenv("JOURNAL_STREAM")
	if stream == "" {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && stream == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}
