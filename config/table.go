package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reading is one pass over a decoded file. It collects faults and goes on, so that all are found at once.
type reading struct {
	file   string // for faults
	dir    string // absolute; relative paths in the file are relative to it
	lines  lines
	faults Faults
	shapes map[kind]map[string]Shape // what is asked for, where that is wanted; else nil
}

// table is one table of the file. Its methods return the value of a key, or what holds without it where the value is
// missing or at fault; the fault is then recorded.
type table struct {
	*reading
	kind   kind
	at     place
	dotted string // keys that lead here: "folder.retry"
	label  string // how faults call it: `folder "invoices"`; "" at the top
	values map[string]any
}

func (t table) has(key string) bool {
	_, ok := t.values[key]
	return ok
}

// faultAt records a fault at the line of key, or of the table where it has no such key.
func (t table) faultAt(key, text, hint string) { t.faultOn(t.at.key(key), key, text, hint) }

// faultOn records a fault of key at the line of p.
func (t table) faultOn(p place, key, text, hint string) {
	if t.label != "" {
		text = t.label + ": " + text
	}
	t.faults = append(t.faults, Fault{
		File: t.file,
		Line: t.lines.of(p),
		Key:  join(t.dotted, key),
		Text: text,
		Hint: hint,
	})
}

func join(dotted, key string) string {
	if dotted == "" || key == "" {
		return dotted + key
	}
	return dotted + "." + key
}

// line is where the table starts.
func (t table) line() int { return t.lines.of(t.at) }

// unknown records every key that the table may not have.
func (t table) unknown() {
	w := vocabulary(t.kind)
	for key := range t.values {
		switch {
		case slices.Contains(w.keys, key):
		case slices.Contains(w.later, key):
			t.faultAt(key, "key "+show(key)+" is not supported by this version", "")
		default:
			hint := home(key, t.kind)
			if hint == "" {
				hint = didYouMean(key, w.keys)
			}
			t.faultAt(key, "unknown key "+show(key), hint)
		}
	}
}

// text returns the string at key; given is false where there is none.
func (t table) text(key string) (s string, given bool) {
	t.takes(key, Shape{Type: Text})
	v, ok := t.values[key]
	if !ok {
		return "", false
	}
	s, ok = v.(string)
	switch {
	case !ok:
		t.wrongType(key, v, "text", key+` = "..."`)
	case s == "":
		t.faultAt(key, key+" is empty", "")
		return "", false
	case hasControl(s):
		t.faultAt(key, key+" = "+show(s)+" holds a control character", backslashHint(s))
		return "", false
	}
	return s, ok
}

// backslashHint speaks to people whose Windows path has become "C:<tab>emp".
func backslashHint(s string) string {
	if strings.ContainsAny(s, "\t\n\r\b\f") {
		return `if a backslash was meant, write '...' instead of "..."`
	}
	return ""
}

// required is text for a key that must be there; example is shown where it is not.
func (t table) required(key, example string) (s string, given bool) {
	t.takes(key, Shape{Type: Text, Required: true})
	if !t.has(key) {
		t.faultAt(key, key+" is missing", key+" = "+example)
		return "", false
	}
	return t.text(key)
}

// choice returns one of a fixed list of words.
func (t table) choice(key, otherwise string, w words) string {
	t.takes(key, Shape{Type: Text, Words: w.keys, Default: quoted(otherwise)})
	s, given := t.text(key)
	switch {
	case !given:
		return otherwise
	case slices.Contains(w.keys, s):
		return s
	default:
		t.faultAt(key, key+" = "+show(s)+" is not one of "+strings.Join(w.keys, ", "), didYouMean(s, w.keys))
	}
	return otherwise
}

// integer returns a whole number from least to most.
func (t table) integer(key string, otherwise, least, most int) int {
	shape := Shape{Type: Number, Least: least, Most: most}
	if otherwise >= least {
		shape.Default = strconv.Itoa(otherwise)
	}
	t.takes(key, shape)
	v, ok := t.values[key]
	if !ok {
		return otherwise
	}
	n, ok := v.(int64)
	if !ok {
		hint := ""
		if s, isText := v.(string); isText && isDigits(s) {
			hint = "without quotes: " + key + " = " + s
		}
		t.wrongType(key, v, "a whole number", hint)
		return otherwise
	}
	if n < int64(least) || n > int64(most) {
		t.faultAt(key, fmt.Sprintf("%s = %d is not between %d and %d", key, n, least, most), "")
		return otherwise
	}
	return int(n)
}

// duration returns a time span of more than nothing.
func (t table) duration(key string, otherwise time.Duration) time.Duration {
	return t.durationOr(key, otherwise, "", 0)
}

// durationOr also takes word, which stands for the span meaning.
func (t table) durationOr(key string, otherwise time.Duration, word string, meaning time.Duration) time.Duration {
	shape := Shape{Type: Duration, Default: written(otherwise)}
	if word != "" {
		shape.Words = []string{word}
		if otherwise == meaning {
			shape.Default = quoted(word)
		}
	}
	t.takes(key, shape)
	if n, isNumber := t.values[key].(int64); isNumber {
		t.wrongType(key, n, "a duration", fmt.Sprintf(`%s = "%ds"`, key, n))
		return otherwise
	}
	s, given := t.text(key)
	if !given {
		return otherwise
	}
	if word != "" && s == word {
		return meaning
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		hint := durationHint(key, s)
		if better := didYouMean(s, []string{word}); word != "" && better != "" {
			hint = better
		}
		t.faultAt(key, key+" = "+show(s)+" is not a duration", hint)
		return otherwise
	case d <= 0:
		t.faultAt(key, key+" = "+show(s)+" is not more than 0", "")
		return otherwise
	}
	return d
}

// element is a string of a list, and where it stands.
type element struct {
	text string
	at   place
}

// list returns the strings of a list, empty where one is at fault; given is false where there is no list.
func (t table) list(key string) (elements []element, given bool) {
	t.takes(key, Shape{Type: TextList})
	v, ok := t.values[key]
	if !ok {
		return nil, false
	}
	if s, isText := v.(string); isText {
		t.wrongType(key, v, "a list", key+" = ["+show(s)+"]")
		return nil, false
	}
	values, ok := v.([]any)
	if !ok {
		t.wrongType(key, v, "a list", key+` = ["..."]`)
		return nil, false
	}
	elements = make([]element, len(values))
	for i, v := range values {
		at := t.at.key(key).index(i)
		switch s, ok := v.(string); {
		case !ok:
			t.faultOn(at, key, fmt.Sprintf("%s holds %s where text must be", key, typeName(v)), "")
		case s == "":
			t.faultOn(at, key, key+" holds an empty string", "")
		case hasControl(s):
			t.faultOn(at, key, key+" holds "+show(s)+" with a control character", backslashHint(s))
		default:
			elements[i] = element{s, at}
		}
	}
	return elements, true
}

// single returns the table at key; it is empty, but usable, where there is none.
func (t table) single(key string, k kind) (sub table, given bool) {
	t.takes(key, Shape{Type: OneTable, Table: string(k)})
	sub = table{reading: t.reading, kind: k, at: t.at.key(key), dotted: join(t.dotted, key), label: key}
	if t.label != "" {
		sub.label = t.label + ": " + key
	}
	v, ok := t.values[key]
	if !ok {
		return sub, false
	}
	switch v := v.(type) {
	case map[string]any:
		sub.values = v
		return sub, true
	case []map[string]any:
		t.faultAt(key, key+" is a list of tables", "write ["+join(t.dotted, key)+"], once")
	default:
		t.wrongType(key, v, "a table", "")
	}
	return sub, false
}

// several returns the tables at key, which the file writes as [[key]].
func (t table) several(key string, k kind) []table {
	t.takes(key, Shape{Type: TableList, Table: string(k)})
	v, given := t.values[key]
	if !given {
		return nil
	}
	maps, ok := tablesIn(v)
	if _, isTable := v.(map[string]any); isTable {
		t.faultAt(key, key+" is a single table", "write [["+key+"]] with two brackets, once for each "+key)
	} else if !ok {
		t.wrongType(key, v, "tables", "write [["+key+"]], once for each "+key)
	}
	subs := make([]table, len(maps))
	for i, values := range maps {
		label := fmt.Sprintf("%s %d", key, i+1)
		if name, ok := values["name"].(string); ok && name != "" {
			label = key + " " + show(name)
		}
		subs[i] = table{reading: t.reading, kind: k, at: t.at.key(key).index(i), dotted: key, label: label, values: values}
	}
	return subs
}

// tablesIn returns the tables of a list, however the file writes it: the decoder has one type for [[x]] and another for
// x = [{...}].
func tablesIn(v any) ([]map[string]any, bool) {
	if maps, ok := v.([]map[string]any); ok {
		return maps, true
	}
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	maps := make([]map[string]any, len(list))
	for i, v := range list {
		if maps[i], ok = v.(map[string]any); !ok {
			return nil, false
		}
	}
	return maps, true
}

func (t table) wrongType(key string, v any, want, hint string) {
	t.faultAt(key, fmt.Sprintf("%s is %s, not %s", key, typeName(v), want), hint)
}

// checkName records a fault unless name can stand in commands, paths and patterns without quoting.
func (t table) checkName(name string) {
	if strings.Trim(name, ".") == "" || strings.ContainsFunc(name, func(r rune) bool { return !plainLetter(r) }) {
		t.faultAt("name", "name = "+show(name)+" is not made of the letters A-Z, a-z, digits, '.', '_' and '-'", "")
	}
}

func plainLetter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-'
}

func typeName(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case int64:
		return "a whole number"
	case float64:
		return "a number with a fraction"
	case bool:
		return "true or false"
	case time.Time:
		return "a date"
	case []any, []map[string]any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return fmt.Sprintf("%T", v)
}

// show quotes a value of the file, so that spaces and control characters can be seen.
func show(s string) string { return strconv.Quote(s) }

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
