package config

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// ShapeType is what a value of the file is made of.
type ShapeType string

// The types of values.
const (
	Text      ShapeType = "text"
	TextList  ShapeType = "list of text"
	Number    ShapeType = "whole number"
	Flag      ShapeType = "true or false"
	Duration  ShapeType = "duration" // "30s"
	Size      ShapeType = "size"     // "64MiB"
	Rate      ShapeType = "rate"     // bytes in a second: "512KiB", "0"
	OneTable  ShapeType = "table"    // of the kind that Shape.Table names
	TableList ShapeType = "tables"   // likewise
)

// Shape is what the value of a key may be: what an editor can know of it. Loading knows more.
type Shape struct {
	Type        ShapeType
	Words       []string // the only texts that may stand there; of a TextList its only elements; of other types those that may stand instead
	Least, Most int      // of a number
	Default     string   // as the file would write it; "" where there is none, or none that is the same everywhere
	Required    bool
	Unless      string // with Required: not where this key is given
	MayBeEmpty  bool   // "" says something
	OrText      bool   // of a flag: text may stand instead
	Table       string // the Name of a TableShape
}

// TableShape is a kind of table: what its keys may be.
type TableShape struct {
	Name string // as the file writes its header, else what it is the table of: "[[folder]]", "retry"
	Keys map[string]Shape
	// Ways are the values of the key "type", where that decides which of the keys go together.
	Ways []Way
}

// Way is what holds with one value of the key "type".
type Way struct {
	Type     string
	Keys     []string // that may be given
	Required []string
}

// Shapes returns all kinds of tables, that of the whole file first. They are what loading asks for: it is watched as it reads a file
// in which every table stands.
func Shapes() []TableShape {
	var all []TableShape
	seen := map[kind]map[string]Shape{}
	ways := map[string]map[string]Shape{}
	for _, way := range notifyWays() {
		for _, mode := range []string{Outbox, Mirror} {
			r := &reading{lines: lines{}, shapes: map[kind]map[string]Shape{}}
			loadTables(table{reading: r, kind: top, values: everyTable(way, mode)})
			for k, keys := range r.shapes {
				if seen[k] == nil {
					seen[k] = map[string]Shape{}
				}
				for key, s := range keys {
					if _, known := seen[k][key]; !known {
						seen[k][key] = s
					}
				}
			}
			ways[way] = r.shapes[kindNotify]
		}
	}
	for _, k := range append(kinds(), kindSecret, kindAnswer) {
		shape := TableShape{Name: string(k), Keys: seen[k]}
		if k == kindNotify {
			for key, s := range shape.Keys { // it is one way's need alone
				s.Required = key == "type"
				shape.Keys[key] = s
			}
			for _, way := range notifyWays() {
				w := Way{Type: way, Keys: append(notifyKeys(), notifyKeysOf(way)...)}
				for key, s := range ways[way] {
					if s.Required {
						w.Required = append(w.Required, key)
					}
				}
				slices.Sort(w.Required)
				shape.Ways = append(shape.Ways, w)
			}
		}
		all = append(all, shape)
	}
	return all
}

// everyTable is a file in which every table stands, with next to nothing in them.
func everyTable(way, mode string) map[string]any {
	none := func() map[string]any { return map[string]any{} }
	return map[string]any{
		"version": int64(formatVersion), "agent": none(), "log": none(), "control": none(),
		"defaults": map[string]any{"retry": none(), "checkpoint": none()},
		"destination": []map[string]any{{
			"schedule": none(), "password": none(), "answers": []map[string]any{{"env": "NAME"}}, "bandwidth_times": []any{},
		}},
		"folder": []map[string]any{{"mode": mode, "retry": none(), "checkpoint": none(), "hooks": none()}},
		"notify": []map[string]any{{"type": way}},
	}
}

// takes notes what the value of a key may be, where somebody wants to know. What is noted first counts: it knows most.
func (t table) takes(key string, s Shape) {
	if t.shapes == nil {
		return
	}
	keys := t.shapes[t.kind]
	if keys == nil {
		keys = map[string]Shape{}
		t.shapes[t.kind] = keys
	}
	if _, known := keys[key]; !known {
		keys[key] = s
	}
}

// needs notes that a key must be there.
func (t table) needs(key string) {
	if t.shapes == nil {
		return
	}
	if s, known := t.shapes[t.kind][key]; known {
		s.Required = true
		t.shapes[t.kind][key] = s
	}
}

// unless notes that a key need not be there where another one is.
func (t table) unless(other string, keys ...string) {
	for _, key := range keys {
		if s, known := t.shapes[t.kind][key]; known {
			s.Unless = other
			t.shapes[t.kind][key] = s
		}
	}
}

// written is a duration as a default; 0 is none.
func written(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.Quote(short(d))
}

// writtenSize is a number of bytes as a default; 0 is none.
func writtenSize(n int64) string {
	if n == 0 {
		return ""
	}
	for _, u := range units {
		if n%u.factor == 0 {
			return fmt.Sprintf(`"%d%s"`, n/u.factor, u.name)
		}
	}
	return ""
}

// quoted is a text as a default; "" is none.
func quoted(s string) string {
	if s == "" {
		return ""
	}
	return strconv.Quote(s)
}
