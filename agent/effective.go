package agent

import (
	"fmt"
	"reflect"
	"time"

	"github.com/dropferry/dropferry/config"
)

// effective returns a configuration with all its defaults, as a file would name them. Of secrets it has the places.
func effective(c *config.Config) any {
	return map[string]any{
		"file": c.File, "agent": shownValue(reflect.ValueOf(c.Agent)), "log": shownValue(reflect.ValueOf(c.Log)),
		"control": shownValue(reflect.ValueOf(c.Control)), "destination": shownValue(reflect.ValueOf(c.Destinations)),
		"folder": shownValue(reflect.ValueOf(c.Folders)), "notify": shownValue(reflect.ValueOf(c.Notify)),
	}
}

// shownValue turns a value of the configuration into one of JSON.
func shownValue(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case *time.Location:
		return x.String()
	case config.Target:
		return x.Destination + ":" + x.Path
	case fmt.Stringer: // durations, modes, places of secrets
		if s, ok := x.(config.Secret); ok && !s.IsSet() {
			return nil
		}
		return x.String()
	}
	switch v.Kind() {
	case reflect.Struct:
		table := map[string]any{}
		for _, f := range reflect.VisibleFields(v.Type()) {
			if f.IsExported() && f.Name != "Line" {
				table[keyOf(f.Name)] = shownValue(v.FieldByIndex(f.Index))
			}
		}
		return table
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = shownValue(v.Index(i))
		}
		return list
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return shownValue(v.Elem())
	}
	return v.Interface()
}
