//go:build linux || darwin

package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"
)

// makeConfigDirectory makes the directory that the service's account may read, and root alone may write. One that is there is
// left to those whom it is for: the hint says how the account gets in.
func makeConfigDirectory(dir string, account *user.User) (hint string, err error) {
	uid, gid, err := idsOf(account)
	if err != nil {
		return "", err
	}
	err = os.Mkdir(dir, 0o750)
	if err == nil {
		return "", os.Chown(dir, 0, gid)
	}
	if !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return "", fmt.Errorf("look at %s: %w", dir, err)
	}
	mode := uint32(st.Mode)
	if mayRead(mode, st.Uid, st.Gid, uint32(uid), append(groupsOf(account), uint32(gid))) {
		return "", nil
	}
	group := ""
	if g, err := user.LookupGroupId(strconv.FormatUint(uint64(st.Gid), 10)); err == nil && st.Gid != 0 && mode&0o050 == 0o050 {
		group = g.Name
	}
	return account.Username + " cannot read the configurations in " + dir + ": `" + letIn(dir, group, account.Username) + "` lets it, with its next start", nil
}

// makeStateDirectory makes the directory of a service's state for its account, before root puts something there: systemd gives it to the
// service when that first starts, and nobody looks into it with the right rights until then. One that is there is left alone.
func makeStateDirectory(dir string, account *user.User) error {
	uid, gid, err := idsOf(account)
	if err != nil {
		return err
	}
	if err = os.Mkdir(dir, 0o700); errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Chown(dir, uid, gid)
}

// idsOf returns the numbers of an account and its group.
func idsOf(account *user.User) (uid, gid int, err error) {
	uid, err = strconv.Atoi(account.Uid)
	if err == nil {
		gid, err = strconv.Atoi(account.Gid)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("account %s: %w", account.Username, err)
	}
	return uid, gid, nil
}
