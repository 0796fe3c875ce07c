package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

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
	{"rclone", []string{"rclone"}, []string{"rclone", "version"}, rcloneCommand()},
	{"rclone-tuned", []string{"rclone"}, []string{"rclone", "version"}, rcloneCommand(rcloneTuning...)},
}

// rcloneTuning is what an expert would try: many files at once, packets as large as OpenSSH takes them, and no look at a
// target that is known to be empty.
var rcloneTuning = []string{
	"--transfers", "32", "--checkers", "32", "--no-check-dest", "--sftp-chunk-size", "255k", "--sftp-concurrency", "64",
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
			found = append(found, program{name: name, version: versionOf(ctx, p.version), carry: byCommand(p.command)})
		}
	}
	return found, missing
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

// ssh is the beginning of a command at the server.
func (l login) ssh() []string {
	return append(append([]string{"ssh", "-p", strconv.Itoa(l.port)}, sshOptions(l)...), l.account())
}

func sftpCommand(t transfer) ([]string, error) {
	batch := filepath.Join(t.scratch, "batch")
	if err := os.WriteFile(batch, fmt.Appendf(nil, "put -r %s %s/\n", t.source.dir, t.target), 0o600); err != nil {
		return nil, err
	}
	command := append([]string{"sftp", "-q", "-b", batch, "-P", strconv.Itoa(t.port)}, sshOptions(t.login)...)
	return append(command, t.account()), nil
}

func scpCommand(t transfer) ([]string, error) {
	command := append([]string{"scp", "-q", "-r", "-P", strconv.Itoa(t.port)}, sshOptions(t.login)...)
	return append(command, t.source.dir, t.account()+":"+t.target+"/"), nil
}

func rsyncCommand(t transfer) ([]string, error) {
	shell := fmt.Sprintf("ssh -p %d %s", t.port, strings.Join(sshOptions(t.login), " "))
	return []string{"rsync", "-a", "-e", shell, t.source.dir, t.account() + ":" + t.target + "/"}, nil
}

func lftpCommand(t transfer) ([]string, error) {
	script := strings.Join([]string{
		"set cmd:fail-exit yes",
		"set net:max-retries 1", // a fault is to be told, and not to be waited for
		fmt.Sprintf("set sftp:connect-program %q", "ssh -a -x "+strings.Join(sshOptions(t.login), " ")),
		fmt.Sprintf("open -u %s,none sftp://%s:%d", t.user, t.host, t.port),
		fmt.Sprintf("mirror -R -P 8 %s %s/%s", t.source.dir, t.target, payload),
	}, "; ")
	return []string{"lftp", "--norc", "-c", script}, nil
}

func rcloneCommand(more ...string) func(transfer) ([]string, error) {
	return func(t transfer) ([]string, error) {
		return append([]string{
			"rclone", "copy", t.source.dir, ":sftp:" + t.target + "/" + payload, "--config", "/dev/null",
			"--sftp-host", t.host, "--sftp-port", strconv.Itoa(t.port), "--sftp-user", t.user, "--sftp-key-file", t.keyFile,
		}, more...), nil
	}
}
