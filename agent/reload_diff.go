package agent

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/state"
)

// what is what becomes of a folder or a destination when one configuration follows another.
type what string

const (
	stays   what = ""
	added   what = "added"
	removed what = "removed"
	renamed what = "renamed"
	changed what = "changed"
)

// change is one folder or destination in two configurations.
type change struct {
	what what
	name string   // in the new one; of what is removed, in the old one
	was  string   // in the old one; "" of what is added
	keys []string // that have other values, or whose meaning has changed
}

// difference is what a new configuration changes.
type difference struct {
	folders, destinations []change // all, those that stay too
	settings              []string // keys of [agent], [log] and [control], and whether others are told
	renaming              []string // mirrors that give files other names from now on
}

// diff compares two configurations. renamings are those between them.
func diff(old, c *config.Config, renamings []state.Renaming) difference {
	var d difference
	d.settings = slices.Concat(differing("agent.", old.Agent, c.Agent), differing("log.", old.Log, c.Log), differing("control.", old.Control, c.Control))
	if !sameReceivers(old.Notify, c.Notify) {
		d.settings = append(d.settings, "notify")
	}
	was := func(kind state.Named, name string) string { return before(renamings, kind, name) }
	compare(&d.destinations, destinationNames(old), destinationNames(c), was, state.DestinationName, func(name, before string) []string {
		x, _ := old.Destination(before)
		y, _ := c.Destination(name)
		keys := differing("", *x, *y)
		if !slices.Contains(keys, "jump") && wayChanged(old, x, c, y) {
			keys = append(keys, "jump")
		}
		return keys
	})
	compare(&d.folders, folderNames(old), folderNames(c), was, state.FolderName, func(name, before string) []string {
		x, _ := old.Folder(before)
		y, _ := c.Folder(name)
		keys := differing("", *x, *y)
		if old.Agent.Name != c.Agent.Name && namesAgent(y) {
			keys = append(keys, "{agent}")
		}
		if y.Mode == config.Mirror && slices.Contains(keys, "names") {
			d.renaming = append(d.renaming, name)
		}
		return append(keys, d.ofDestinations(y)...)
	})
	return d
}

// wayChanged tells whether the connection to a destination goes through other servers, or through accounts there that are
// reached in another manner.
func wayChanged(old *config.Config, x *config.Destination, c *config.Config, y *config.Destination) bool {
	changes := func(key string) bool { return slices.Contains(reaching, key) && !slices.Contains(atOnce, key) }
	return !slices.EqualFunc(old.Way(x), c.Way(y), func(before, now *config.Destination) bool {
		return !slices.ContainsFunc(differing("", *before, *now), changes)
	})
}

// compare fills in what became of the names of one kind.
func compare(all *[]change, old, now []string, was func(state.Named, string) string, kind state.Named, keys func(name, before string) []string) {
	var gone []string
	for _, name := range now {
		c := change{name: name, was: was(kind, name)}
		switch {
		case !slices.Contains(old, c.was):
			c.what, c.was = added, ""
		case c.was != name:
			c.what, c.keys = renamed, keys(name, c.was)
		default:
			if c.keys = keys(name, name); len(c.keys) > 0 {
				c.what = changed
			}
		}
		gone = append(gone, c.was)
		*all = append(*all, c)
	}
	for _, name := range old {
		if !slices.Contains(gone, name) {
			*all = append(*all, change{what: removed, name: name, was: name})
		}
	}
}

// destination returns the change of what has the name in the new configuration.
func (d *difference) destination(name string) change {
	for _, c := range d.destinations {
		if c.name == name && c.what != removed {
			return c
		}
	}
	return change{}
}

// ofDestinations returns what a folder's destinations change for it: other places, or for a mirror another server.
func (d *difference) ofDestinations(f *config.Folder) []string {
	var keys []string
	for _, to := range f.To {
		for _, key := range d.destination(to.Destination).keys {
			if !slices.Contains(reaching, key) || f.Mode == config.Mirror && slices.Contains(identifying, key) {
				keys = append(keys, to.Destination+"."+key)
			}
		}
	}
	return keys
}

var (
	// identifying are the keys of a destination that say which server and account it is.
	identifying = []string{"host", "port", "user"}
	// atOnce are those that hold at once, also for what is under way.
	atOnce = []string{"bandwidth", "bandwidth_times"}
	// reaching are those that only its session depends on.
	reaching = append([]string{
		"bandwidth", "bandwidth_times", "key_file", "key_passphrase", "password", "host_key", "known_hosts", "connect_timeout", "keepalive", "stall_timeout", "auth_retry", "channels", "connections",
		"profile", "requests", "open_files", "transfers", "max_session_age", "schedule",
		"jump", "proxy", "proxy_user", "proxy_password", "bind_address", "ssh_config", "ssh_config_file", "host_key_alias", "ssh_agent", "certificate", "answers", "legacy_algorithms",
	}, identifying...)
)

// goesOn tells whether a destination's link and its session notice nothing.
func (c change) goesOn() bool {
	return c.what == stays || c.what == changed &&
		!slices.ContainsFunc(c.keys, func(key string) bool { return !slices.Contains(atOnce, key) })
}

// isMoved tells whether a destination is another server or account now.
func (c change) isMoved() bool {
	return slices.ContainsFunc(c.keys, func(key string) bool { return slices.Contains(identifying, key) })
}

// namesAgent tells whether a folder's templates hold the agent's name.
func namesAgent(f *config.Folder) bool {
	const word = "{agent}"
	return strings.Contains(f.Archive, word) ||
		slices.ContainsFunc(f.To, func(to config.Target) bool { return strings.Contains(to.Path, word) })
}

// differing returns the keys in which two tables differ, as a file writes them.
func differing[T any](prefix string, x, y T) []string {
	a, b := reflect.ValueOf(x), reflect.ValueOf(y)
	var keys []string
	for _, field := range reflect.VisibleFields(a.Type()) {
		switch field.Name {
		case "Name", "Was", "Line":
			if prefix == "" {
				continue // what they are called is another question
			}
		}
		if !field.IsExported() || same(a.FieldByIndex(field.Index).Interface(), b.FieldByIndex(field.Index).Interface()) {
			continue
		}
		keys = append(keys, prefix+keyOf(field.Name))
	}
	return keys
}

// same compares two values. Two of one time zone are the same however often it was loaded.
func same(x, y any) bool {
	switch x := x.(type) {
	case *time.Location:
		other, _ := y.(*time.Location)
		return x.String() == other.String()
	case config.Schedule:
		other, _ := y.(config.Schedule)
		return same(x.Timezone, other.Timezone) && x.AtEnd == other.AtEnd && slices.Equal(x.Windows, other.Windows)
	case config.Timetable:
		other, _ := y.(config.Timetable)
		return same(x.Timezone, other.Timezone) && slices.Equal(x.Rates, other.Rates)
	}
	return reflect.DeepEqual(x, y)
}

// keyOf writes the name of a field as a file does.
func keyOf(field string) string {
	var key strings.Builder
	for i, r := range field {
		// A run of capitals is one word: URL, CAFile.
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(rune(field[i-1])) || i+1 < len(field) && unicode.IsLower(rune(field[i+1]))) {
			key.WriteByte('_')
		}
		key.WriteRune(unicode.ToLower(r))
	}
	return key.String()
}

// left returns the names that nothing has any more.
func (d *difference) left() (folders, destinations []string) {
	names := func(all []change) (gone []string) {
		for _, c := range all {
			switch c.what {
			case removed:
				gone = append(gone, c.name)
			case renamed:
				gone = append(gone, c.was)
			}
		}
		return gone
	}
	return names(d.folders), names(d.destinations)
}

// words tells what changes, one thing a line; none where nothing does.
func (d *difference) words() []string {
	lines := []string{}
	tell := func(kind string, all []change) {
		for _, c := range all {
			switch c.what {
			case stays:
			case renamed:
				lines = append(lines, fmt.Sprintf("%s %s: was %s%s", kind, c.name, c.was, withKeys("; changed ", c.keys)))
			case changed:
				lines = append(lines, fmt.Sprintf("%s %s: changed %s", kind, c.name, strings.Join(c.keys, ", ")))
			default:
				lines = append(lines, fmt.Sprintf("%s %s: %s", kind, c.name, c.what))
			}
		}
	}
	tell("destination", d.destinations)
	tell("folder", d.folders)
	for _, name := range d.renaming {
		lines = append(lines, fmt.Sprintf("folder %s: what is sent under another name from now on leaves its earlier version under the old one, "+
			"which is yours to remove there", name))
	}
	for _, key := range d.settings {
		lines = append(lines, key+": changed")
	}
	return lines
}

func withKeys(word string, keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	return word + strings.Join(keys, ", ")
}
