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

// AsAccount runs a program with the rights of an account, or of the owner of dir where none is named, and returns what it has printed
// and its exit code. ok is false, and nothing was run, unless root asks and that is somebody else.
func AsAccount(ctx context.Context, account, dir, program string, args ...string) (out []byte, code int, ok bool, err error) {
	if os.Geteuid() != 0 {
		return nil, 0, false, nil
	}
	credential, err := credentialOf(account, dir)
	if err != nil || credential == nil || credential.Uid == 0 {
		return nil, 0, false, err
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
		return nil, 0, true, fmt.Errorf("run %s with the rights of the agent's account: %w", program, err)
	}
	return printed.Bytes(), 0, true, nil
}

// credentialOf returns whose rights an account has, or the owner of dir where none is named; nil where nobody owns it.
func credentialOf(account, dir string) (*syscall.Credential, error) {
	if account != "" {
		u, err := user.Lookup(account)
		if err != nil {
			return nil, fmt.Errorf("the service's account: %w", err)
		}
		uid, gid, err := idsOf(u)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: groupsOf(u)}, nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // nobody owns what is not there
	}
	st, is := info.Sys().(*syscall.Stat_t)
	if !is {
		return nil, nil //nolint:nilnil // as above
	}
	credential := &syscall.Credential{Uid: st.Uid, Gid: st.Gid}
	if u, err := user.LookupId(strconv.FormatUint(uint64(st.Uid), 10)); err == nil {
		credential.Groups = groupsOf(u)
	}
	return credential, nil
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
