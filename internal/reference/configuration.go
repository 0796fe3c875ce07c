package reference

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/internal/manual"
)

// explained are the keys that the example explains, by the header of their table and their name. What stands first there counts.
type explained map[string]map[string]manual.Entry

// topOfFile is where keys stand that are in no table.
const topOfFile = "the top of the file"

func explain(entries []manual.Entry) explained {
	all := explained{}
	header := topOfFile
	for _, e := range entries {
		if e.Header != "" {
			header = e.Header
		}
		if all[header] == nil {
			all[header] = map[string]manual.Entry{}
		}
		name := e.Name()
		if e.Header != "" {
			name = "" // what is said of the table itself
		}
		if _, known := all[header][name]; !known {
			all[header][name] = e
		}
	}
	return all
}

// of returns what is said of a key. [[folder]] may have those of [defaults] too, which stand there.
func (x explained) of(table, key string) manual.Entry {
	if e, known := x[table][key]; known || table != "[[folder]]" {
		return e
	}
	return x["[defaults]"][key]
}

func said(e manual.Entry) string { return strings.Join(e.Says, " ") }

// withoutWords leaves out the words that may stand there, with which the example begins.
func withoutWords(says string, words []string) string {
	rest, ok := strings.CutPrefix(says, strings.Join(words, " | "))
	if !ok || len(words) == 0 {
		return says
	}
	return strings.TrimLeft(rest, ":;, ")
}

func configurationPage(shapes []config.TableShape, entries []manual.Entry) string {
	p := newPage("Configuration", "agent.toml.example and what loading a configuration asks for")
	p.printf("\n[agent.toml.example](../../agent.toml.example) says the same in one file to copy, `man dropferry-agent.toml` too. An editor that knows\n" +
		"[agent.schema.json](../../agent.schema.json) completes keys and marks mistakes: see [editors](../editors.md). `dropferry check` finds more.\n\n" +
		"Relative paths are relative to the file. A duration is a number and a unit, `\"500ms\"`, `\"30s\"`, `\"72h\"`; a size too: `\"512KiB\"`, `\"20MiB\"`.\n")
	x := explain(entries)
	for _, s := range shapes {
		p.printf("\n## %s\n", title(s.Name))
		if about := said(x[s.Name][""]); about != "" && s.Name != topOfFile {
			p.printf("\n%s\n", about)
		}
		p.table("key", "value", "default", "meaning")
		for _, key := range order(s, entries) {
			shape, e := s.Keys[key], x.of(s.Name, key)
			otherwise := code(shape.Default)
			switch {
			case shape.Required && shape.Unless != "":
				otherwise = "required, without " + code(shape.Unless)
			case shape.Required:
				otherwise = "required"
			}
			p.row(code(key), valueOf(shape), otherwise, withoutWords(said(e), shape.Words))
		}
		for _, w := range s.Ways {
			p.printf("\n`type = %q` takes %s; required are %s.\n", w.Type, codes(w.Keys), codes(w.Required))
		}
	}
	for _, e := range slices.Backward(entries) { // the last text that belongs to no key
		if e.Key == "" && e.Header == "" {
			p.printf("\n## Templates\n\n```\n%s\n```\n", strings.Join(e.Says, "\n"))
			break
		}
	}
	return p.String()
}

// title is how a kind of table is headed.
func title(name string) string {
	if strings.HasPrefix(name, "[") || name == topOfFile {
		return name
	}
	return strings.TrimPrefix(name, "a ")
}

// plain is a kind of table without its brackets.
func plain(name string) string { return strings.Trim(title(name), "[]") }

// anchor is what leads to a heading.
func anchor(name string) string {
	return "#" + strings.ReplaceAll(strings.ToLower(plain(name)), " ", "-")
}

// order is that of the example; what it does not have by itself follows.
func order(s config.TableShape, entries []manual.Entry) []string {
	var keys []string
	add := func(key string) {
		if _, has := s.Keys[key]; has && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	header := topOfFile
	for _, e := range entries {
		if e.Header != "" {
			header = e.Header
		}
		if header == s.Name {
			add(e.Name())
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Keys)) {
		add(key)
	}
	return keys
}

// valueOf words what may stand there.
func valueOf(s config.Shape) string {
	var what string
	switch s.Type {
	case config.Text:
		if len(s.Words) > 0 {
			return codes(s.Words)
		}
		what = "text"
	case config.TextList:
		what = "list of text"
		if len(s.Words) > 0 {
			return "list of " + codes(s.Words)
		}
	case config.Number:
		what = fmt.Sprintf("%d to %d", s.Least, s.Most)
		if s.Least == s.Most {
			what = fmt.Sprint(s.Least)
		}
	case config.OneTable:
		return fmt.Sprintf("table [%s](%s)", plain(s.Table), anchor(s.Table))
	case config.TableList:
		return fmt.Sprintf("tables [%s](%s)", plain(s.Table), anchor(s.Table))
	default:
		what = string(s.Type)
	}
	if len(s.Words) > 0 {
		what += " or " + codes(s.Words)
	}
	if s.OrText {
		what += ", or text"
	}
	if s.MayBeEmpty {
		what += ", also `\"\"`"
	}
	return what
}
