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

// AsAccount runs a program with the rights of a service, or of the owner of dir where no account is named, and returns what it has printed
// and its exit code. ok is false, and nothing was run, unless root asks and that is somebody else.
func AsAccount(ctx context.Context, r Rights, dir, program string, args ...string) (out []byte, code int, ok bool, err error) {
	if os.Geteuid() != 0 {
		return nil, 0, false, nil
	}
	credential, err := credentialOf(r, dir)
	if err != nil || credential == nil || credential.Uid == 0 {
		return nil, 0, false, err
	}
	command := exec.CommandContext(ctx, program, args...)
	command.SysProcAttr = attributesOf(credential, r.Capabilities)
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

// credentialOf returns whose rights a service has, or the owner of dir where no account is named; nil where nobody owns it.
func credentialOf(r Rights, dir string) (*syscall.Credential, error) {
	if r.Account != "" {
		u, err := user.Lookup(r.Account)
		if err != nil {
			return nil, fmt.Errorf("the service's account: %w", err)
		}
		uid, gid, err := idsOf(u)
		if err != nil {
			return nil, err
		}
		credential := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: groupsOf(u)}
		if r.Group != "" {
			if credential.Gid, err = groupNamed(r.Group); err != nil {
				return nil, err
			}
		}
		for _, name := range r.Groups {
			gid, err := groupNamed(name)
			if err != nil {
				return nil, err
			}
			credential.Groups = append(credential.Groups, gid)
		}
		return credential, nil
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

// groupNamed returns the number of a group, which systemd may have by its number already.
func groupNamed(name string) (uint32, error) {
	g, err := user.LookupGroup(name)
	if err == nil {
		name = g.Gid
	}
	n, parseErr := strconv.ParseUint(name, 10, 32)
	if parseErr != nil {
		return 0, fmt.Errorf("the service's group: %w", err)
	}
	return uint32(n), nil
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
