package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// transfer is what a program is asked to do: source, a directory, is to be at the server as target/payload. What it
// needs of its own goes into scratch, a fresh directory.
type transfer struct {
	login
	source, target, scratch string
}

// program is one that can be run here.
type program struct {
	name    string
	version string
	own     bool // a dropferry
	command func(transfer) ([]string, error)
}

// peer is a program that people use instead.
type peer struct {
	name    string
	needs   []string // programs that have to be installed, its own first
	version []string // the command that prints it
	command func(transfer) ([]string, error)
}

var peers = []peer{
	{"sftp", []string{"sftp", "ssh"}, []string{"ssh", "-V"}, sftpCommand},
	{"scp", []string{"scp", "ssh"}, []string{"ssh", "-V"}, scpCommand},
	{"rsync", []string{"rsync", "ssh"}, []string{"rsync", "--version"}, rsyncCommand},
	{"lftp", []string{"lftp", "ssh"}, []string{"lftp", "--version"}, lftpCommand},
	{"rclone", []string{"rclone"}, []string{"rclone", "version"}, rcloneCommand},
}

// installed returns the peers of these names that are installed, and the names of those that are not.
func installed(ctx context.Context, names []string) (found []program, missing []string) {
	for _, name := range names {
		for _, p := range peers {
			if p.name != name {
				continue
			}
			if !allInstalled(p.needs) {
				missing = append(missing, name)
				continue
			}
			found = append(found, program{name: name, version: versionOf(ctx, p.version), command: p.command})
		}
	}
	return found, missing
}

func allInstalled(programs []string) bool {
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			return false
		}
	}
	return true
}

// versionOf returns the first line that the command prints, without its copyright.
func versionOf(ctx context.Context, command []string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || line == "" {
		return "version unknown"
	}
	line, _, _ = strings.Cut(line, "| Copyright")
	return strings.Join(strings.Fields(line), " ")
}

// sshOptions are the same for all that use OpenSSH's client: nothing of the user's or the system's configuration counts.
func sshOptions(l login) []string {
	options := []string{"-F", "/dev/null", "-i", l.keyFile}
	for _, o := range []string{
		"IdentitiesOnly=yes", "IdentityAgent=none", "BatchMode=yes", "StrictHostKeyChecking=no",
		"UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null", "Compression=no", "LogLevel=ERROR",
	} {
		options = append(options, "-o", o)
	}
	return options
}

func (l login) account() string { return l.user + "@" + l.host }

func sftpCommand(t transfer) ([]string, error) {
	batch := filepath.Join(t.scratch, "batch")
	if err := os.WriteFile(batch, fmt.Appendf(nil, "put -r %s %s/\n", t.source, t.target), 0o600); err != nil {
		return nil, err
	}
	command := append([]string{"sftp", "-q", "-b", batch, "-P", strconv.Itoa(t.port)}, sshOptions(t.login)...)
	return append(command, t.account()), nil
}

func scpCommand(t transfer) ([]string, error) {
	command := append([]string{"scp", "-q", "-r", "-P", strconv.Itoa(t.port)}, sshOptions(t.login)...)
	return append(command, t.source, t.account()+":"+t.target+"/"), nil
}

func rsyncCommand(t transfer) ([]string, error) {
	shell := fmt.Sprintf("ssh -p %d %s", t.port, strings.Join(sshOptions(t.login), " "))
	return []string{"rsync", "-a", "-e", shell, t.source, t.account() + ":" + t.target + "/"}, nil
}

func lftpCommand(t transfer) ([]string, error) {
	script := strings.Join([]string{
		"set cmd:fail-exit yes",
		"set net:max-retries 1", // a fault is to be told, and not to be waited for
		fmt.Sprintf("set sftp:connect-program %q", "ssh -a -x "+strings.Join(sshOptions(t.login), " ")),
		fmt.Sprintf("open -u %s,none sftp://%s:%d", t.user, t.host, t.port),
		fmt.Sprintf("mirror -R -P 8 %s %s/%s", t.source, t.target, payload),
	}, "; ")
	return []string{"lftp", "--norc", "-c", script}, nil
}

func rcloneCommand(t transfer) ([]string, error) {
	return []string{
		"rclone", "copy", t.source, ":sftp:" + t.target + "/" + payload, "--config", "/dev/null", "--transfers", "8",
		"--sftp-host", t.host, "--sftp-port", strconv.Itoa(t.port), "--sftp-user", t.user, "--sftp-key-file", t.keyFile,
	}, nil
}

// safePath tells whether a path can be given to all of them as it is: some commands pass through a shell or a language
// of their own.
func safePath(path string) error {
	if strings.ContainsFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-+", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return errors.New("use " + path + ": its name has more than letters, digits and /._-+; give another with -dir")
	}
	return nil
}
