//go:build unix

package state

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// An administrator's command must not leave files that the service's account cannot open.
func TestRootLeavesFilesToTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const owner = 12345
	dir := t.TempDir()
	if err := os.Chown(dir, owner, owner); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, dir)
	planOne(t, s, intentFor(route, "a.xml"))
	for _, name := range []string{"lock", "dropferry.db", "dropferry.db-wal", "dropferry.db-shm"} {
		wantOwner(t, filepath.Join(dir, name), owner)
	}
	closeStore(t, s)
	r, err := OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, r)
	for _, name := range []string{"dropferry.db", "dropferry.db-wal", "dropferry.db-shm"} {
		wantOwner(t, filepath.Join(dir, name), owner)
	}
}

func wantOwner(t *testing.T, name string, owner uint32) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Error(err)
		return
	}
	if st := info.Sys().(*syscall.Stat_t); st.Uid != owner || st.Gid != owner {
		t.Errorf("%s belongs to %d:%d", name, st.Uid, st.Gid)
	}
}
