package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/dropferry/dropferry/file"
)

// foreign is a local path that must not lie in a watched folder, or it would be delivered, or watched twice.
type foreign struct {
	path  string // canonical
	what  string
	kind  foreignKind
	owner int // index of the folder that the thing is, or belongs to; -1 for none
	fault func(text, hint string)
}

type foreignKind int

const (
	ownOutput   foreignKind = iota // a directory that dropferry writes to
	otherFolder                    // a watched directory
	secretFile                     // a file that must not leave the machine
	ownFile                        // a file that dropferry writes
)

func (k foreignKind) consequence() string {
	return [...]string{"would be delivered", "would be watched twice", "would be given away", "would be delivered"}[k]
}

// checkOverlaps finds everything that lies in a watched folder and should not.
func (l *loading) checkOverlaps() {
	resolved.ask(l.cfg.Agent.StateDir)
	for _, f := range l.cfg.Folders { // all at once: one share may hold many of them
		resolved.ask(f.Path, l.archiveDir(f))
	}
	things := l.foreignThings()
	for i, f := range l.cfg.Folders {
		if f.Path == "" {
			continue
		}
		root := canonical(f.Path)
		for _, thing := range things {
			rel, inside := file.Rel(root, thing.path)
			if inside && (thing.kind != otherFolder || thing.owner != i) {
				thing.check(f, i, rel)
			}
		}
	}
	l.checkInState(things)
}

// checkInState finds a person's files in the state directory: they would go with it, when dropferry is removed.
func (l *loading) checkInState(things []foreign) {
	if l.cfg.Agent.StateDir == "" {
		return
	}
	state := canonical(l.cfg.Agent.StateDir)
	for _, thing := range things {
		persons := thing.kind == otherFolder || thing.kind == ownOutput && thing.owner >= 0
		if !persons {
			continue
		}
		// A folder that is the state directory has its fault already: the one lies in the other both ways.
		if rel, inside := file.Rel(state, thing.path); inside && (rel != "" || thing.kind == ownOutput) {
			thing.fault(thing.what+" lies in state_dir "+l.cfg.Agent.StateDir+", which is dropferry's alone and goes with it", "move it elsewhere")
		}
	}
}

// check records a fault where the thing, which is at rel in the folder f, should not be there.
func (thing foreign) check(f Folder, index int, rel file.Path) {
	where := fmt.Sprintf("folder %s (line %d)", show(f.Name), f.Line)
	switch {
	case rel == "" && thing.kind == otherFolder:
		if thing.owner > index { // the later of the two is at fault
			thing.fault(thing.what+" is the path of "+where+" too",
				"one folder can deliver to several destinations: put them into its `to`")
		}
	case excludesTree(f.Exclude, rel), thing.isFile() && excludesFile(f.Exclude, rel):
	default:
		hint := "move it elsewhere"
		if rel != "" && !thing.isFile() {
			hint += ", or exclude = [" + show(string(rel)+"/**") + "] there"
		}
		thing.fault(thing.what+" lies in the watched "+where+" and "+thing.kind.consequence(), hint)
	}
}

func (thing foreign) isFile() bool { return thing.kind == secretFile || thing.kind == ownFile }

// foreignThings lists what dropferry writes, what it must not give away, and the folders themselves.
func (l *loading) foreignThings() []foreign {
	var things []foreign
	add := func(t table, key, name string, kind foreignKind, owner int) {
		if name != "" {
			fault := func(text, hint string) { t.faultAt(key, text, hint) }
			things = append(things, foreign{canonical(name), key + " " + name, kind, owner, fault})
		}
	}
	add(l.agent, "state_dir", l.cfg.Agent.StateDir, ownOutput, -1)
	if l.cfg.Log.Target == TargetFile && l.log.has("file") {
		add(l.log, "file", l.cfg.Log.File, ownFile, -1)
	}
	for i, f := range l.cfg.Folders {
		add(l.folders[i], "path", f.Path, otherFolder, i)
		add(l.folders[i], "archive", l.archiveDir(f), ownOutput, i)
	}
	for i, d := range l.cfg.Destinations {
		add(l.destinations[i], "key_file", d.KeyFile, secretFile, -1)
		add(l.destinations[i], "password", d.Password.File, secretFile, -1)
		add(l.destinations[i], "key_passphrase", d.KeyPassphrase.File, secretFile, -1)
		for _, a := range d.Answers {
			add(l.destinations[i], "answers", a.Text.File, secretFile, -1)
		}
		add(l.destinations[i], "proxy_password", d.ProxyPassword.File, secretFile, -1)
	}
	return things
}

// archiveDir returns the directory that all archived files of f lie below, as far as it is known beforehand.
func (l *loading) archiveDir(f Folder) string {
	if f.Archive == "" {
		return ""
	}
	t, err := f.ArchiveTemplate()
	if err != nil {
		return ""
	}
	return filepath.FromSlash(t.fixedDir(f.Name, l.cfg.Agent.Name))
}

// fixedDir returns the directory that t names before the first placeholder that depends on the file or the day.
func (t Template) fixedDir(folder, agent string) string {
	elements := t.elements
	if t.namesFile {
		elements = elements[:len(elements)-1]
	}
	var fixed []string
	for _, pieces := range elements {
		e := expand(pieces, knownWords(folder, agent))
		if strings.Contains(e, "{") {
			break
		}
		fixed = append(fixed, e)
	}
	return t.lead + strings.Join(fixed, "/")
}

// knownWords fills the placeholders that the configuration decides and leaves the others as they are.
func knownWords(folder, agent string) func(word string) string {
	return func(word string) string {
		switch word {
		case "folder":
			return folder
		case "agent":
			return agent
		}
		return "{" + word + "}"
	}
}

// excludesTree tells whether patterns exclude every file below dir, a path in the folder. Patterns on the directory's
// name alone do not count, as they speak of files of that name.
func excludesTree(patterns []string, dir file.Path) bool {
	if dir == "" {
		return false
	}
	// No pattern but a catch-all matches such names.
	child, grandchild := dir.Join("\x01"), dir.Join("\x01").Join("\x02")
	return slices.ContainsFunc(patterns, func(p string) bool {
		return strings.Contains(p, "/") && matches(p, string(child)) && matches(p, string(grandchild))
	})
}

// excludesFile tells whether patterns exclude the file at p in the folder.
func excludesFile(patterns []string, p file.Path) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if strings.Contains(pattern, "/") {
			return matches(pattern, string(p))
		}
		return matches(pattern, p.Base())
	})
}

// matches compares with a name in canonical form.
func matches(pattern, name string) bool {
	if foldCase {
		pattern = strings.ToLower(pattern)
	}
	ok, err := doublestar.Match(pattern, name)
	return ok && err == nil
}
