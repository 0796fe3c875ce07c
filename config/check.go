package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// CheckPaths compares the configuration with the disk: folders, keys, secrets in files, the state directory. What a
// person must mend before the agent can work is a fault; a folder that is not there is a warning, since a
// mount or another program may bring it later. Nothing is changed, and no secret is read.
func (c *Config) CheckPaths() Faults {
	faults := c.CheckSystem()
	for i := range c.Destinations {
		faults = append(faults, c.checkDestination(i)...)
	}
	for i := range c.Folders {
		resolved.ask(c.Folders[i].Path)
	}
	for i := range c.Folders {
		faults = append(faults, c.checkFolder(i)...)
		faults = append(faults, c.checkHooks(i)...)
		faults = append(faults, c.checkDelay(i)...)
	}
	for i := range c.Notify {
		faults = append(faults, c.checkNotify(i)...)
	}
	faults = append(faults, c.checkControl()...)
	if info, err := os.Stat(c.Agent.StateDir); err == nil && !info.IsDir() {
		faults = append(faults, Fault{
			Line: c.line(place("").key("agent").key("state_dir"), 0),
			Key:  "agent.state_dir",
			Text: fmt.Sprintf("agent: state_dir %s is not a directory", c.Agent.StateDir),
		})
	}
	if len(c.Folders) == 0 {
		faults = append(faults, Fault{Key: "folder", Text: "no [[folder]]: there is nothing to deliver", Warning: true})
	}
	for i := range faults {
		faults[i].File = cmp.Or(c.shown, c.File)
	}
	faults.sort()
	return faults
}

func (c *Config) checkDestination(i int) Faults {
	d := c.Destinations[i]
	table := place("").key("destination").index(i)
	var faults Faults
	check := c.pathChecker(&faults, table, d.Line, fmt.Sprintf("destination %q", d.Name), "destination")
	if d.SshAgent != "" {
		check("key_file", d.KeyFile, checkReadable) // its public part says which key of the agent's
	} else {
		check("key_file", d.KeyFile, checkKey)
	}
	check("certificate", d.Certificate, checkCertificate)
	for _, a := range d.Answers {
		check("answers", a.Text.File, checkSecretFile)
	}
	check("key_passphrase", d.KeyPassphrase.File, checkSecretFile)
	check("password", d.Password.File, checkSecretFile)
	check("proxy_password", d.ProxyPassword.File, checkSecretFile)
	check("known_hosts", d.KnownHosts, checkReadable)
	if len(d.ignored) > 0 {
		faults = append(faults, Fault{
			Line: c.line(table.key("ssh_config"), d.Line), Key: "destination.ssh_config", Warning: true,
			Text: fmt.Sprintf("destination %q: what ssh_config says of %s is used, but for: %s", d.Name, d.SshConfig, strings.Join(d.ignored, ", ")),
		})
	}
	if len(d.LegacyAlgorithms) > 0 {
		faults = append(faults, Fault{
			Line: c.line(table.key("legacy_algorithms"), d.Line), Key: "destination.legacy_algorithms", Warning: true,
			Text: fmt.Sprintf("destination %q: legacy_algorithms allows %s, which somebody on the way may break", d.Name, strings.Join(d.LegacyAlgorithms, ", ")),
			Hint: "ask the server's owner for a current SSH server",
		})
	}
	if d.Connections > 1 && (d.Requests > 0 || d.OpenFiles > 0) {
		key := "requests"
		if d.Requests == 0 {
			key = "open_files"
		}
		faults = append(faults, Fault{
			Line: c.line(table.key("connections"), d.Line), Key: "destination.connections", Warning: true,
			Text: fmt.Sprintf("destination %q: connections = %d is given together with %s, which leaves one connection with one channel", d.Name, d.Connections, key),
			Hint: "leave one of them out",
		})
	}
	if d.Publish == "direct" {
		faults = append(faults, Fault{
			Line: c.line(table.key("publish"), d.Line), Key: "destination.publish", Warning: true,
			Text: fmt.Sprintf("destination %q: publish = \"direct\" is not atomic: part of a file can be seen under its name", d.Name),
			Hint: "only for a server that refuses to rename: `dropferry check --connect` tells",
		})
	}
	return faults
}

// line returns the line of a place, or otherwise in a Config that was not read from a file.
func (c *Config) line(p place, otherwise int) int {
	if c.lines == nil {
		return otherwise
	}
	return c.lines.of(p)
}

// pathChecker returns what looks at the paths of the table at a place, "" being none, and adds what is wrong to faults.
func (c *Config) pathChecker(faults *Faults, at place, line int, label, dotted string) func(key, name string, look func(string) error) {
	return func(key, name string, look func(string) error) {
		if name == "" {
			return
		}
		if err := look(name); err != nil {
			*faults = append(*faults, pathFault(c.line(at.key(key), line), label+": "+key, join(dotted, key), err))
		}
	}
}

func pathFault(line int, label, key string, err error) Fault {
	fault := Fault{Line: line, Key: key, Text: label + ": " + err.Error(), cause: err}
	var loose *looseMode
	var other *hinted
	switch {
	case errors.As(err, &loose):
		fault.Text, fault.Hint = label+": "+loose.text(), loose.hint()
	case errors.As(err, &other):
		fault.Text, fault.Hint = label+": "+other.text, other.hint
	}
	return fault
}

// hinted is an error with what to do about it.
type hinted struct{ text, hint string }

func (e *hinted) Error() string { return e.text + ": " + e.hint }

func checkReadable(name string) error {
	if err := checkRegular(name); err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return f.Close()
}

func checkSecretFile(name string) error {
	if err := checkPrivate(name); err != nil {
		return err
	}
	return checkReadable(name)
}

// ppkHeader begins every key that PuTTY has saved.
const ppkHeader = "PuTTY-User-Key-File"

// fromPuTTY says how a key of PuTTY's becomes one of OpenSSH's. On Windows puttygen converts only what is clicked.
func fromPuTTY(system, name string) string {
	if system == "windows" {
		return "load it in PuTTYgen, and save it with Conversions > Export OpenSSH key"
	}
	return "puttygen " + ShellWord(name) + " -O private-openssh -o " + ShellWord(strings.TrimSuffix(name, ".ppk")+".openssh")
}

func checkKey(name string) error {
	head, err := readHead(name)
	if err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(head, ppkHeader):
		return &hinted{name + " is a PuTTY key, not an OpenSSH key", fromPuTTY(runtime.GOOS, name)}
	case isPublicKey(head):
		hint := "name the private key"
		if private, ok := strings.CutSuffix(name, ".pub"); ok {
			hint = fmt.Sprintf("key_file = %q", private)
		}
		return &hinted{name + " is a public key", hint}
	}
	return checkPrivate(name)
}

// checkCertificate looks at a certificate's beginning; whether it fits and holds is another question.
func checkCertificate(name string) error {
	head, err := readHead(name)
	if err != nil {
		return err
	}
	if kind, _, _ := strings.Cut(head, " "); !strings.HasSuffix(kind, "-cert-v01@openssh.com") {
		return &hinted{name + " is no certificate", "it is the file ending in -cert.pub that who signs the key gives back"}
	}
	return nil
}

func isPublicKey(head string) bool {
	for _, prefix := range []string{"ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-", "---- BEGIN SSH2 PUBLIC KEY"} {
		if strings.HasPrefix(head, prefix) {
			return true
		}
	}
	return false
}

// readHead returns enough of a file to tell what it is.
func readHead(name string) (string, error) {
	if err := checkRegular(name); err != nil {
		return "", err
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // read only: nothing can be lost
	head := make([]byte, 64)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	return string(head[:n]), nil
}

func (c *Config) checkFolder(i int) Faults {
	f := c.Folders[i]
	_, err := resolved.of(f.Path) // which a person can end: what waits for a name that another process waits for cannot be
	if !errors.Is(err, errNoAnswer) {
		_, err = directories.of(f.Path)
	}
	if err == nil {
		return nil
	}
	line := c.line(place("").key("folder").index(i).key("path"), f.Line)
	fault := pathFault(line, fmt.Sprintf("folder %q: path", f.Name), "folder.path", err)
	if errors.Is(err, fs.ErrNotExist) {
		fault.Text = fmt.Sprintf("folder %q: path %s does not exist", f.Name, f.Path)
		fault.Hint = "create it, or mend the path"
		fault.Warning = true
	}
	if errors.Is(err, errNoAnswer) {
		fault.Text = fmt.Sprintf("folder %q: path %s: %v", f.Name, f.Path, err)
		fault.Hint = "look at the share, and at the server that has it"
		fault.Warning = true
	}
	return Faults{fault}
}

// checkDirectory lists one name and enters the directory, as a scan does.
func checkDirectory(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &hinted{name + " is a file", "a folder watches a directory: path = " + show(filepath.Dir(name))}
	}
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // read only: nothing can be lost
	names, err := dir.Readdirnames(1)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for _, n := range names {
		if _, err := os.Lstat(filepath.Join(name, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
