package config

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// What a mirror does about files that have left it, unless the file says otherwise.
const (
	defaultDeleteDelay = time.Minute
	defaultMaxDelete   = 50
	defaultTrash       = ".trash"
	defaultTrashKeep   = 720 * time.Hour
	mostDeletes        = 1_000_000
)

func deletingKeys() []string {
	return []string{"delete", "delete_delay", "max_delete", "trash", "trash_keep"}
}

// deleting reads what a mirror does about files that have left it.
func (t table) deleting(f *Folder) {
	if f.Mode != Mirror {
		for _, key := range deletingKeys() {
			if t.has(key) {
				hint := `mode = "mirror"`
				if key == "delete" {
					hint = `after = "delete" takes delivered files out of the folder; or ` + hint
				}
				t.faultAt(key, key+" is given for an outbox, which removes nothing at its destinations", hint)
			}
		}
		return
	}
	f.Delete = t.flag("delete", false)
	f.DeleteDelay = t.duration("delete_delay", defaultDeleteDelay)
	f.MaxDelete = t.integer("max_delete", defaultMaxDelete, 0, mostDeletes)
	f.Trash = t.trash()
	f.TrashKeep = t.duration("trash_keep", defaultTrashKeep)
}

// flag returns true or false.
func (t table) flag(key string, otherwise bool) bool {
	t.takes(key, Shape{Type: Flag, Default: strconv.FormatBool(otherwise)})
	v, given := t.values[key]
	if !given {
		return otherwise
	}
	is, ok := v.(bool)
	if !ok {
		hint := ""
		if s, isText := v.(string); isText && (s == "true" || s == "false") {
			hint = "without quotes: " + key + " = " + s
		}
		t.wrongType(key, v, "true or false", hint)
		return otherwise
	}
	return is
}

// trash returns the remote directory that removed files go to, cleaned; "" where they are removed at once.
func (t table) trash() string {
	const key = "trash"
	t.takes(key, Shape{Type: Text, MayBeEmpty: true, Default: quoted(defaultTrash)})
	v, given := t.values[key]
	if s, isText := v.(string); !given || (isText && s == "") {
		if given {
			return ""
		}
		return defaultTrash
	}
	dir := t.remoteDir(key)
	if dir == "" { // not text
		return defaultTrash
	}
	switch clean := path.Clean(dir); {
	case strings.HasPrefix(dir, "~"):
		t.faultAt(key, key+" = "+show(dir)+" begins with ~", "a name in the mirror's directory, or the whole path")
	case clean == "." || clean == "/":
		t.faultAt(key, key+" = "+show(dir)+" is no directory of its own", key+" = "+show(defaultTrash))
	default:
		return clean
	}
	return defaultTrash
}

// TrashDir returns the remote directory that files of the mirror go to which are removed, where dir is the mirror's own
// directory there; "" where they are removed at once.
func (f *Folder) TrashDir(dir string) string {
	if f.Trash == "" {
		return ""
	}
	return JoinRemote(dir, f.Trash)
}

// TrashPattern returns the exclude pattern of what would lie in the trash if it were sent; "" where nothing would.
func (f *Folder) TrashPattern() string {
	if !f.Delete || f.Trash == "" || path.IsAbs(f.Trash) {
		return ""
	}
	return "/" + globEscaper.Replace(f.Trash)
}

var globEscaper = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`, "{", `\{`, "}", `\}`)

// checkDelay warns where a renamed file is taken for gone before it is ready under its new name: then it is moved nowhere, but
// removed and sent again.
func (c *Config) checkDelay(i int) Faults {
	f := &c.Folders[i]
	if !f.Delete || f.Ready != "stable" || f.StableFor <= f.DeleteDelay {
		return nil
	}
	return Faults{{
		Line: c.line(place("").key("folder").index(i).key("delete_delay"), f.Line), Key: "folder.delete_delay", Warning: true,
		Text: fmt.Sprintf("folder %q: delete_delay %s is less than stable_for %s: a file that is renamed is removed at its destinations and sent again",
			f.Name, short(f.DeleteDelay), short(f.StableFor)),
		Hint: fmt.Sprintf("delete_delay = %q or more", short(f.StableFor+min(f.StableFor, time.Minute))),
	}}
}

// checkTrash finds trashes in which files would be delivered, and those that lie among a mirror's files.
func (l *loading) checkTrash(routes []route) {
	for i := range l.cfg.Folders {
		f := &l.cfg.Folders[i]
		if !f.Delete || !path.IsAbs(f.Trash) {
			continue
		}
		for _, own := range routes {
			if own.folder != i {
				continue
			}
			for _, r := range routes {
				where := fmt.Sprintf("of folder %s (line %d)", show(l.cfg.Folders[r.folder].Name), l.cfg.Folders[r.folder].Line)
				switch {
				case r.account != own.account:
					continue
				case r.mirror && contains(r.dir, f.Trash):
					l.folders[i].faultAt("trash", "trash "+f.Trash+" lies in the mirror "+where, "leave it out for a directory in the mirror that is never touched otherwise, or choose one elsewhere")
				case contains(f.Trash, r.dir):
					l.folders[i].faultAt("trash", "trash "+f.Trash+" holds the directory "+where, "choose one of its own")
				default:
					continue
				}
				return
			}
		}
	}
}
