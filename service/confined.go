package service

import (
	"path/filepath"
	"slices"
	"strings"
)

// Confinement is what the system keeps a service from, as far as it matters to one that reads folders.
type Confinement struct {
	ReadOnly    bool     // it may write to Writable alone, whatever its account may
	Writable    []string // directories
	OwnTmp      bool     // it has a /tmp and a /var/tmp of its own, and does not see everybody's
	Credentials []string // names of the secrets that it is handed
	Rights      Rights
}

// Rights are those that a service works with: its account's, and what the system gives it besides.
type Rights struct {
	Account      string   // "" is not known
	Group        string   // in place of the account's own; "" is that
	Groups       []string // besides those that the account is in
	Capabilities []string // as systemd writes them: cap_dac_read_search
}

// MayWrite tells whether the confinement leaves a path writable.
func (c *Confinement) MayWrite(path string) bool {
	return !c.ReadOnly || isBelow(c.Writable, path)
}

// Hides tells whether the service sees something else at a path than everybody does.
func (c *Confinement) Hides(path string) bool {
	return c.OwnTmp && isBelow([]string{"/tmp", "/var/tmp"}, path)
}

func isBelow(dirs []string, path string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool {
		rel, err := filepath.Rel(dir, path)
		return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
	})
}

// confinementIn reads the properties of a unit.
func confinementIn(p map[string]string) Confinement {
	c := Confinement{ReadOnly: p["ProtectSystem"] == "strict", OwnTmp: p["PrivateTmp"] != "" && p["PrivateTmp"] != "no"}
	c.Rights = Rights{
		Account: p["User"], Group: p["Group"], Groups: strings.Fields(p["SupplementaryGroups"]), Capabilities: strings.Fields(p["AmbientCapabilities"]),
	}
	for _, path := range pathsIn(p["ReadWritePaths"]) {
		c.Writable = append(c.Writable, strings.TrimLeft(path, "-+"))
	}
	for name := range strings.FieldsSeq(p["StateDirectory"]) {
		c.Writable = append(c.Writable, "/var/lib/"+directoryOf(name))
	}
	for name := range strings.FieldsSeq(p["LogsDirectory"]) {
		c.Writable = append(c.Writable, "/var/log/"+directoryOf(name))
	}
	for _, key := range []string{"LoadCredential", "LoadCredentialEncrypted", "SetCredential"} {
		for word := range strings.FieldsSeq(p[key]) {
			name, _, _ := strings.Cut(word, ":")
			c.Credentials = append(c.Credentials, name)
		}
	}
	return c
}

// pathsIn takes a list of absolute paths apart, which may hold blanks: some versions of systemd quote these, and others do not.
func pathsIn(list string) []string {
	var paths []string
	var word strings.Builder
	quoted, escaped := false, false
	end := func() {
		text := word.String()
		word.Reset()
		switch begins := strings.HasPrefix(strings.TrimLeft(text, "-+"), "/"); {
		case text == "":
		case begins || len(paths) == 0:
			paths = append(paths, text)
		default:
			paths[len(paths)-1] += " " + text
		}
	}
	for _, r := range list {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quoted:
			escaped = true
		case r == '"':
			quoted = !quoted
		case r == ' ' && !quoted:
			end()
		default:
			word.WriteRune(r)
		}
	}
	end()
	return paths
}

// directoryOf is a directory of systemd's without the symbolic links to it, which stand behind colons.
func directoryOf(word string) string {
	name, _, _ := strings.Cut(word, ":")
	return name
}
