package config

import (
	"cmp"
	"fmt"
)

// was returns the earlier name that a table gives: nil where it gives none, "" where it says that there is none.
func (t table) was() *string {
	const key = "was"
	t.takes(key, Shape{Type: Text, MayBeEmpty: true})
	v, given := t.values[key]
	if !given {
		return nil
	}
	if s, isText := v.(string); isText && s == "" {
		return &s
	}
	name, given := t.text(key)
	switch {
	case !given:
		return nil
	case name == t.values["name"]:
		t.faultAt(key, key+" = "+show(name)+" is its name now", "leave it out, or write its earlier name")
	}
	return &name
}

// checkWas finds earlier names that two tables share, or that another table still has.
func checkWas(tables []table) {
	names, claimed := map[string]table{}, map[string]table{}
	for _, t := range tables {
		if name, ok := t.values["name"].(string); ok {
			names[name] = t
		}
	}
	for _, t := range tables {
		was, ok := t.values["was"].(string)
		if !ok || was == "" || was == t.values["name"] {
			continue
		}
		if holder, taken := names[was]; taken {
			t.faultAt("was", "was = "+show(was)+" is the name of "+holder.label+" in this file",
				"leave it out if the renaming has been applied; else rename first, and use the name again afterwards")
		}
		if earlier, taken := claimed[was]; taken {
			t.faultAt("was", "was = "+show(was)+" stands in "+earlier.label+" too", "only one of them can have been called that")
		}
		claimed[was] = t
	}
}

// FolderFault returns a fault of the name of a folder of c, for what shows only beside an earlier configuration.
func (c *Config) FolderFault(name, text, hint string) Fault {
	for i := range c.Folders {
		if c.Folders[i].Name == name {
			return c.nameFault("folder", i, name, c.Folders[i].Line, text, hint)
		}
	}
	return Fault{File: c.File, Key: "folder", Text: text, Hint: hint}
}

// DestinationFault is FolderFault for a destination.
func (c *Config) DestinationFault(name, text, hint string) Fault {
	for i := range c.Destinations {
		if c.Destinations[i].Name == name {
			return c.nameFault("destination", i, name, c.Destinations[i].Line, text, hint)
		}
	}
	return Fault{File: c.File, Key: "destination", Text: text, Hint: hint}
}

func (c *Config) nameFault(kind string, index int, name string, otherwise int, text, hint string) Fault {
	return Fault{
		File: cmp.Or(c.shown, c.File), Line: c.line(place("").key(kind).index(index).key("name"), otherwise),
		Key: kind + ".name", Text: fmt.Sprintf("%s %s: %s", kind, show(name), text), Hint: hint,
	}
}

// StateDirFault returns a fault of the state directory.
func (c *Config) StateDirFault(text, hint string) Fault {
	return Fault{
		File: cmp.Or(c.shown, c.File), Line: c.line(place("").key("agent").key("state_dir"), 0), Key: "agent.state_dir",
		Text: "agent: " + text, Hint: hint,
	}
}
