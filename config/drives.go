package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
)

// LocalPath is a path of the configuration, with where it is written.
type LocalPath struct {
	Path string // absolute; it may be a template
	Line int
	Of   string // whose it is: `folder "invoices"`
	Key  string // "path"

	table string // "folder"
}

// LocalPaths returns every local path that the agent reads or writes.
func (c *Config) LocalPaths() []LocalPath {
	var all []LocalPath
	add := func(at place, table, key, of, path string, line int) {
		if path != "" {
			all = append(all, LocalPath{Path: path, Line: c.line(at.key(key), line), Of: of, Key: key, table: table})
		}
	}
	top := place("")
	add(top.key("agent"), "agent", "state_dir", "agent", c.Agent.StateDir, 0)
	for i := range c.Destinations {
		d := &c.Destinations[i]
		at, of := top.key("destination").index(i), fmt.Sprintf("destination %q", d.Name)
		add(at, "destination", "key_file", of, d.KeyFile, d.Line)
		add(at, "destination", "key_passphrase", of, d.KeyPassphrase.File, d.Line)
		add(at, "destination", "password", of, d.Password.File, d.Line)
		add(at, "destination", "ssh_config_file", of, d.SshConfigFile, d.Line)
		if filepath.IsAbs(d.SshAgent) && !strings.HasPrefix(d.SshAgent, `\\`) { // else it is the environment's, or a pipe
			add(at, "destination", "ssh_agent", of, d.SshAgent, d.Line)
		}
		add(at, "destination", "certificate", of, d.Certificate, d.Line)
		for _, a := range d.Answers {
			add(at, "destination", "answers", of, a.Text.File, d.Line)
		}
		add(at, "destination", "proxy_password", of, d.ProxyPassword.File, d.Line)
		add(at, "destination", "known_hosts", of, d.KnownHosts, d.Line)
	}
	for i := range c.Folders {
		f := &c.Folders[i]
		at, of := top.key("folder").index(i), fmt.Sprintf("folder %q", f.Name)
		add(at, "folder", "path", of, f.Path, f.Line)
		add(at, "folder", "archive", of, f.Archive, f.Line)
	}
	return all
}

// MappedDrives finds paths on drive letters that a person has mapped to a share: a service has none of them, since they
// belong to that person's session. mapped tells of a path whether it lies on one, and how the share itself is named.
func (c *Config) MappedDrives(mapped func(path string) (unc string, is bool)) Faults {
	var faults Faults
	for _, p := range c.LocalPaths() {
		unc, is := mapped(p.Path)
		if !is {
			continue
		}
		hint := `name the share itself, as in '\\server\share\directory'`
		if unc != "" {
			hint = p.Key + " = '" + unc + "'"
		}
		faults = append(faults, Fault{
			File: cmp.Or(c.shown, c.File), Line: p.Line, Key: p.table + "." + p.Key, Hint: hint,
			Text: fmt.Sprintf("%s: %s %s is on a mapped drive, which a service does not have", p.Of, p.Key, p.Path),
		})
	}
	faults.sort()
	return faults
}
