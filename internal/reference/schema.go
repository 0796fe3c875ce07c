package reference

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/internal/manual"
)

// What texts look like that are numbers with a unit. Loading takes a little more: a sign, say.
const (
	durationPattern = `^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$`
	sizePattern     = `^[0-9]+(\.[0-9]+)? *(B|KiB|MiB|GiB)$`
	ratePattern     = `^(0|[0-9]+(\.[0-9]+)? *(B|KiB|MiB|GiB)(/s)?)$`
)

type object = map[string]any

// schemaOf describes the configuration to editors, by JSON Schema: https://json-schema.org/draft-07. Of its versions this is the one
// that the editors' plugins for TOML know.
func schemaOf(shapes []config.TableShape, entries []manual.Entry) (string, error) {
	x := explain(entries)
	definitions := object{}
	var whole object
	for _, s := range shapes {
		table := tableSchema(s, x)
		if s.Name == topOfFile {
			whole = table
			continue
		}
		definitions[definition(s.Name)] = table
	}
	whole["$schema"] = "http://json-schema.org/draft-07/schema#"
	whole["title"] = "dropferry's agent.toml"
	whole["description"] = "What dropferry watches and where it delivers. `dropferry check` finds every mistake, also those that no schema can tell."
	whole["definitions"] = definitions
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(whole)
	return text.String(), err
}

// definition is the name of a table's schema.
func definition(name string) string { return plain(name) }

func tableSchema(s config.TableShape, x explained) object {
	properties := object{}
	var required []string
	unless := map[string][]string{}
	for key, shape := range s.Keys {
		value := valueSchema(shape)
		if about := said(x.of(s.Name, key)); about != "" {
			value = described(value, about)
		}
		properties[key] = value
		switch {
		case shape.Required && shape.Unless != "":
			unless[shape.Unless] = append(unless[shape.Unless], key)
		case shape.Required:
			required = append(required, key)
		}
	}
	table := object{"type": "object", "properties": properties, "additionalProperties": false}
	if about := said(x[s.Name][""]); about != "" && s.Name != topOfFile {
		table["description"] = about
	}
	if len(required) > 0 {
		slices.Sort(required)
		table["required"] = required
	}
	var rules []object
	for other, keys := range unless {
		slices.Sort(keys)
		rules = append(rules, object{"anyOf": []object{{"required": keys}, {"required": []string{other}}}})
	}
	for _, w := range s.Ways {
		others := object{}
		for key := range s.Keys {
			if !slices.Contains(w.Keys, key) {
				others[key] = false
			}
		}
		rules = append(rules, object{
			"if":   object{"properties": object{"type": object{"const": w.Type}}, "required": []string{"type"}},
			"then": object{"required": w.Required, "properties": others},
		})
	}
	if rules != nil {
		table["allOf"] = rules
	}
	switch s.Name { // of the places of a secret one is named
	case "a secret":
		table["minProperties"], table["maxProperties"] = 1, 1
	case "answers":
		table["minProperties"], table["maxProperties"] = 2, 2
	}
	return table
}

// described adds what a value is for. What stands beside a reference is not read.
func described(value object, about string) object {
	if _, refers := value["$ref"]; refers {
		return object{"description": about, "allOf": []object{value}}
	}
	value["description"] = about
	return value
}

func valueSchema(s config.Shape) object {
	value := object{"type": "string"}
	switch s.Type {
	case config.Text:
		if s.Words != nil {
			value = object{"enum": s.Words}
		} else if !s.MayBeEmpty {
			value["minLength"] = 1
		}
	case config.TextList:
		element := object{"type": "string", "minLength": 1}
		if s.Words != nil {
			element = object{"enum": s.Words}
		}
		value = object{"type": "array", "items": element}
	case config.Number:
		value = object{"type": "integer", "minimum": s.Least, "maximum": s.Most}
	case config.Flag:
		value = object{"type": "boolean"}
	case config.Duration:
		value["pattern"] = durationPattern
	case config.Size:
		value["pattern"] = sizePattern
	case config.Rate:
		value["pattern"] = ratePattern
	case config.OneTable:
		return object{"$ref": "#/definitions/" + definition(s.Table)}
	case config.TableList:
		return object{"type": "array", "items": object{"$ref": "#/definitions/" + definition(s.Table)}}
	}
	switch {
	case s.Type != config.Text && s.Type != config.TextList && s.Words != nil:
		value = object{"anyOf": []object{value, {"enum": s.Words}}}
	case s.OrText:
		value = object{"anyOf": []object{value, {"type": "string", "minLength": 1}}}
	}
	if s.Default != "" {
		value["default"] = json.RawMessage(s.Default)
	}
	return value
}
