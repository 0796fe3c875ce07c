//go:build unix

package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// AsOwner runs a program with the rights of the owner of dir, and returns what it has printed and its exit code. ok is false,
// and nothing was run, unless root asks and dir belongs to somebody else.
func AsOwner(ctx context.Context, dir, program string, args ...string) (out []byte, code int, ok bool, err error) {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return nil, 0, false, nil //nolint:nilerr // nobody owns what is not there
	}
	st, is := info.Sys().(*syscall.Stat_t)
	if !is || st.Uid == 0 {
		return nil, 0, false, nil
	}
	credential := &syscall.Credential{Uid: st.Uid, Gid: st.Gid}
	if u, err := user.LookupId(strconv.FormatUint(uint64(st.Uid), 10)); err == nil {
		credential.Groups = groupsOf(u)
	}
	command := exec.CommandContext(ctx, program, args...)
	command.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	command.Dir = "/"
	command.Stderr = os.Stderr
	var printed bytes.Buffer
	command.Stdout = &printed
	err = command.Run()
	if exit, failed := errors.AsType[*exec.ExitError](err); failed {
		return printed.Bytes(), exit.ExitCode(), true, nil
	}
	if err != nil {
		return nil, 0, true, fmt.Errorf("run %s with the rights of the owner of %s: %w", program, dir, err)
	}
	return printed.Bytes(), 0, true, nil
}

// groupsOf returns the groups that an account is in.
func groupsOf(u *user.User) []uint32 {
	ids, err := u.GroupIds()
	if err != nil {
		return nil
	}
	var groups []uint32
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			groups = append(groups, uint32(n))
		}
	}
	return groups
}
