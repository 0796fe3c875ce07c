package config

// was returns the earlier name that a table gives: nil where it gives none, "" where it says that there is none.
func (t table) was() *string {
	const key = "was"
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
