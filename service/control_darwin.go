package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
)

const daemons = "/Library/LaunchDaemons"

// Install has launchd run the agent with the system, and now. It returns what was done and what is left to do.
func Install(ctx context.Context, s Setup) ([]string, error) {
	if os.Geteuid() != 0 {
		return nil, errNotRoot
	}
	text, err := plistFor(s)
	if err != nil {
		return nil, err
	}
	account, err := user.Lookup(s.Account)
	if err != nil {
		return nil, err
	}
	hint, err := makeHome(s.Name, account)
	if err != nil {
		return nil, err
	}
	label, err := labelOf(s.Name)
	if err != nil {
		return nil, err
	}
	at := plistOf(label)
	if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
		return nil, err
	}
	done := []string{at + " is written, and started with the system"}
	if hint != "" {
		done = append(done, hint)
	}
	return append(done, "`dropferry service start"+NameFlag(s.Name)+"` starts it now, once there is a configuration"), nil
}

// makeHome makes what the service's account cannot make itself: the directory of configurations, the one of the state below it,
// and the log that launchd opens with the account's rights.
func makeHome(name string, account *user.User) (hint string, err error) {
	uid, gid, err := idsOf(account)
	if err != nil {
		return "", err
	}
	if hint, err = makeConfigDirectory(launchdConfigs, account); err != nil {
		return "", err
	}
	state := daemonState(name)
	if err = os.Mkdir(state, 0o700); err == nil {
		err = os.Chown(state, uid, gid)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	log, err := os.OpenFile(daemonLog(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, fs.ErrExist) {
		return hint, nil
	}
	if err != nil {
		return "", err
	}
	return hint, errors.Join(log.Chown(uid, gid), log.Close())
}

// letIn is what gives an account the right to read a directory: by the group, or "" where that has none itself.
func letIn(dir, group, account string) string {
	if group == "" {
		return `chmod +a "` + account + ` allow list,search,readattr,readsecurity" "` + dir + `"`
	}
	return "dseditgroup -o edit -a " + account + " -t user " + group
}

func plistOf(label string) string { return filepath.Join(daemons, label+".plist") }

// Uninstall stops the service and takes away what Install has written. Configuration and state stay.
func Uninstall(ctx context.Context, name string) ([]string, error) {
	label, err := installed(name)
	if err != nil {
		return nil, err
	}
	if s, err := Query(ctx, name); err == nil && s.PID != 0 {
		if err := Stop(ctx, name); err != nil {
			return nil, err
		}
	}
	if err := os.Remove(plistOf(label)); err != nil {
		return nil, err
	}
	return []string{plistOf(label) + " is removed; configuration and state stay where they are"}, nil
}

// Start starts the service.
func Start(ctx context.Context, name string) error {
	label, err := installed(name)
	if err != nil {
		return err
	}
	_, err = launchctl(ctx, "bootstrap", "system", plistOf(label))
	return err
}

// Stop stops the service.
func Stop(ctx context.Context, name string) error {
	label, err := installed(name)
	if err != nil {
		return err
	}
	_, err = launchctl(ctx, "bootout", "system/"+label)
	return err
}

// Query asks launchd about the service.
func Query(ctx context.Context, name string) (State, error) {
	label, err := labelOf(name)
	if err != nil {
		return State{}, err
	}
	if _, err := os.Stat(plistOf(label)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return State{Name: name, Phase: Absent}, nil
		}
		return State{}, err
	}
	printed, err := launchctl(ctx, "print", "system/"+label)
	if err != nil { // it is not loaded
		return State{Name: name, Phase: Stopped, Boot: true}, nil //nolint:nilerr // see above
	}
	return launchdState(name, printed), nil
}

// installed returns the label of a service that is to be changed.
func installed(name string) (string, error) {
	if os.Geteuid() != 0 {
		return "", errNotRoot
	}
	label, err := labelOf(name)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(plistOf(label)); errors.Is(err, fs.ErrNotExist) {
		return "", ErrNotInstalled
	}
	return label, nil
}

func launchctl(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "launchctl", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("launchctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}
