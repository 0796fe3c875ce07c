package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
)

// Install has systemd run the agent with the system. It returns what was done and what is left to do.
func Install(ctx context.Context, s Setup) (done []string, err error) {
	unit, err := unitOf(s.Name)
	if err == nil {
		err = ownConfig(s.Name)
	}
	if err != nil {
		return nil, err
	}
	if err := mayChange(); err != nil {
		return nil, err
	}
	p, err := show(ctx, unit)
	if err != nil {
		return nil, err
	}
	before, err := unitSoFar(p["FragmentPath"])
	if err != nil {
		return nil, err
	}
	s.Account = cmp.Or(s.Account, accountIn(before))
	s.Config = cmp.Or(s.Config, configIn(before))
	account := cmp.Or(s.Account, packagedAccount)
	made, err := makeAccount(ctx, account, s.Account == "")
	if err != nil {
		return nil, err
	}
	if made {
		done = append(done, "the account "+account+" is there")
	}
	if at := p["FragmentPath"]; at != "" && !strings.HasPrefix(at, adminUnits+"/") {
		if s.Program != packagedProgram || s.Config != "" && s.Config != configOf(s.Name) || s.Account != "" {
			return done, fmt.Errorf("a package has installed %s: what differs from it belongs into a drop-in, `systemctl edit %s`", at, s.Name)
		}
		done = append(done, at+" is there")
	} else {
		if err = suitsAccount(ctx, s, account); err != nil {
			return done, err
		}
		if at, err = writeUnit(s); err != nil {
			return done, err
		}
		done = append(done, at+" is written")
	}
	u, err := user.Lookup(account)
	if err != nil {
		return done, err
	}
	hint, err := makeConfigDirectory(packagedConfigs, u)
	if err == nil {
		err = makeStateDirectory(stateOf(s.Name), u)
	}
	if err != nil {
		return done, err
	}
	for _, args := range [][]string{{"daemon-reload"}, {"enable", "--quiet", unit}} {
		if _, err := systemctl(ctx, args...); err != nil {
			return done, err
		}
	}
	done = append(done, unit+" is started with the system")
	if hint != "" {
		done = append(done, hint)
	}
	config := cmp.Or(s.Config, configOf(s.Name))
	if _, err := os.Stat(config); err != nil {
		done = append(done, "write "+config+", and try it with `dropferry -c "+config+" check --connect`")
	}
	return append(done, "`dropferry service start"+NameFlag(s.Name)+"` starts it now"), nil
}

// mayChange tells why the system's services cannot be changed.
func mayChange() error {
	if err := booted(); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errNotRoot
	}
	return nil
}

// booted returns ErrUnsupported where systemd does not run the system: see sd_booted(3).
func booted() error {
	if _, err := os.Lstat("/run/systemd/system"); err != nil {
		return fmt.Errorf("systemd does not run this system: %w", ErrUnsupported)
	}
	return nil
}

// makeAccount makes an account for the service where there is none, if it may, and the group that the packaged unit names.
func makeAccount(ctx context.Context, name string, may bool) (made bool, err error) {
	u, err := user.Lookup(name)
	unknown, gone := errors.AsType[user.UnknownUserError](err)
	if gone && !may {
		return false, fmt.Errorf("there is no account %s", string(unknown))
	}
	if !gone && (err != nil || !may) {
		return false, err
	}
	there := accountState{user: !gone}
	if g, err := user.LookupGroup(name); err == nil {
		there.group = true
		if !gone {
			ids, err := u.GroupIds()
			there.member = err == nil && slices.Contains(ids, g.Gid)
		}
	}
	for _, command := range accountCommands(name, there) {
		if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			return false, fmt.Errorf("make the account %s: %s: %w: %s", name, command[0], err, strings.TrimSpace(string(out)))
		}
	}
	return gone, nil
}

// writeUnit writes the unit of a setup, over one that was written before only.
func writeUnit(s Setup) (string, error) {
	text, err := unitFor(s)
	if err != nil {
		return "", err
	}
	at := filepath.Join(adminUnits, unitFileOf(s))
	old, err := os.ReadFile(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", err
	case !strings.HasPrefix(string(old), unitMark):
		return "", fmt.Errorf("%s is there already, and is not ours: remove it first", at)
	}
	return at, os.WriteFile(at, []byte(text), 0o644)
}

// unitSoFar returns the text of the unit that lies there, if it is one that a person has put there.
func unitSoFar(unit string) (string, error) {
	if !strings.HasPrefix(unit, adminUnits+"/") {
		return "", nil
	}
	text, err := os.ReadFile(unit)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}

// letIn is what gives an account the right to read a directory: by the group, or "" where that has none itself.
func letIn(dir, group, account string) string {
	if group == "" {
		return "setfacl -m u:" + account + ":rx " + dir
	}
	return "usermod -a -G " + group + " " + account
}

// Uninstall stops the service and takes away what Install has written. Account, configuration and state stay.
func Uninstall(ctx context.Context, name string) (done []string, err error) {
	unit, err := unitOf(name)
	if err != nil {
		return nil, err
	}
	if err := mayChange(); err != nil {
		return nil, err
	}
	p, err := show(ctx, unit)
	if err != nil {
		return nil, err
	}
	at := p["FragmentPath"]
	if p["LoadState"] == "not-found" {
		return nil, ErrNotInstalled
	}
	if _, err := systemctl(ctx, "disable", "--quiet", "--now", unit); err != nil {
		return nil, err
	}
	done = []string{unit + " is stopped, and not started with the system any more"}
	text, err := os.ReadFile(at)
	if err != nil {
		return done, err
	}
	switch {
	case strings.HasPrefix(string(text), unitMark) && !strings.HasSuffix(at, "@.service"):
		if err := os.Remove(at); err != nil {
			return done, err
		}
		if _, err := systemctl(ctx, "daemon-reload"); err != nil {
			return done, err
		}
		done = append(done, at+" is removed")
	default:
		done = append(done, at+" stays: other services use it, or a package has installed it")
	}
	return append(done, "configuration and state stay where they are"), nil
}

// Start starts the service and returns when it works, or has failed.
func Start(ctx context.Context, name string) error {
	if err := ownConfig(name); err != nil {
		return err
	}
	unit, err := installed(ctx, name)
	if err != nil {
		return err
	}
	if _, err := systemctl(ctx, "start", unit); err != nil {
		return fmt.Errorf("%w; `journalctl -u %s -n 20` says why", err, name)
	}
	s, err := Query(ctx, name)
	if err == nil && s.Phase != Running {
		err = fmt.Errorf("%s is %s: %s", name, s.Phase, s.Status)
	}
	return err
}

// Stop stops the service and returns when it has ended.
func Stop(ctx context.Context, name string) error {
	unit, err := installed(ctx, name)
	if err != nil {
		return err
	}
	_, err = systemctl(ctx, "stop", unit)
	return err
}

// Query asks systemd about the service.
func Query(ctx context.Context, name string) (State, error) {
	unit, err := unitOf(name)
	if err != nil {
		return State{}, err
	}
	if err := booted(); err != nil {
		return State{}, err
	}
	p, err := show(ctx, unit)
	return stateIn(name, p), err
}

// Confined asks systemd what it keeps a service from. ErrNotInstalled says that there is no such service.
func Confined(ctx context.Context, name string) (Confinement, error) {
	unit, err := unitOf(name)
	if err == nil {
		err = booted()
	}
	if err != nil {
		return Confinement{}, err
	}
	p, err := show(ctx, unit)
	if err == nil && p["LoadState"] == "not-found" {
		err = ErrNotInstalled
	}
	return confinementIn(p), err
}

// installed returns the unit of a service that is to be started or stopped.
func installed(ctx context.Context, name string) (string, error) {
	unit, err := unitOf(name)
	if err == nil {
		err = mayChange()
	}
	if err != nil {
		return "", err
	}
	p, err := show(ctx, unit)
	if err == nil && p["LoadState"] == "not-found" {
		err = ErrNotInstalled
	}
	return unit, err
}

func show(ctx context.Context, unit string) (map[string]string, error) {
	text, err := systemctl(ctx, "show", "--property="+shownProperties, unit)
	return propertiesIn(text), err
}

// systemctl runs one command of systemd's and returns what it has printed.
func systemctl(ctx context.Context, args ...string) (string, error) {
	var stdout, stderr strings.Builder
	command := exec.CommandContext(ctx, "systemctl", args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
