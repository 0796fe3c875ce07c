package control

import (
	"net/http"
	"reflect"
	"strings"
	"time"
)

// operation is one thing that can be asked over HTTP.
type operation struct {
	method, path string
	id           string
	summary      string
	parameters   []parameter
	body         any // an example of the type; nil: none
	answer       any // likewise; a string is plain text
	open         bool
	alsoIs503    bool // the same answer has this status, too
}

type parameter struct{ name, about, format string }

// operations are all of them, but for the page. A test holds them to what is served.
func operations() []operation {
	return []operation{
		{method: http.MethodGet, path: "/healthz", id: "healthz", summary: "A sign of life: the process answers.", answer: "ok", open: true},
		{
			method: http.MethodGet, path: "/readyz", id: "readyz", summary: "Whether everything is up to date, else why not.",
			answer: Readiness{}, alsoIs503: true,
		},
		{method: http.MethodGet, path: "/metrics", id: "metrics", summary: "Metrics in the text format of Prometheus.", answer: "# HELP ..."},
		{method: http.MethodGet, path: prefix + "status", id: "status", summary: "Folders, destinations and transfers: `dropferry status --json`.", answer: Status{}},
		{
			method: http.MethodGet, path: prefix + "history", id: "history", summary: "Receipts, the newest first: `dropferry history --json`.",
			parameters: []parameter{
				{"since", "only since this moment", "date-time"},
				{"folder", "only of this folder", ""},
				{"destination", "only to this destination", ""},
				{"path", "only what matches this pattern, as in `include`", ""},
				{"failed", "true: what is not delivered and has failed, in place of what is delivered", ""},
				{"before", "the id of a delivery or of a removal: only what comes behind it in its list, and nothing of the other one", ""},
				{"limit", "only the newest so many", "int64"},
			}, answer: History{},
		},
		{
			method: http.MethodGet, path: prefix + "delivery", id: "delivery", summary: "One delivery: its receipt, and what happened to it.",
			parameters: []parameter{{"id", "of the delivery; required", ""}}, answer: DeliveryStory{},
		},
		{
			method: http.MethodGet, path: prefix + "explain", id: "explain", summary: "Why a file was, or was not, sent: `dropferry explain --json`.",
			parameters: []parameter{{"path", "absolute path on the agent's machine, in base64url without padding; required", "base64url"}}, answer: Explanation{},
		},
		{method: http.MethodGet, path: prefix + "plan", id: "plan", summary: "What would be done now and why; it asks the servers: `dropferry plan --json`.", answer: Plan{}},
		{
			method: http.MethodPost, path: prefix + commands, id: "command", summary: "Does what a person wants: pause, resume, retry, cancel, resend, reload.",
			body: Command{}, answer: Outcome{},
		},
		{method: http.MethodGet, path: prefix + "events", id: "events", summary: "The status again and again, as server-sent events of the type `status`, as long as the request lasts.", answer: "event: status"},
		{method: http.MethodGet, path: prefix + "configuration", id: "configuration", summary: "The configuration as it is in effect, without secrets.", answer: map[string]string{}},
		{
			method: http.MethodGet, path: prefix + "activity", id: "activity", summary: "What was delivered, and how much waited, in equal steps of time.",
			parameters: []parameter{{"span", "24h, in steps of ten minutes, or 30d, in steps of an hour; 24h where it is not given", ""}}, answer: Activity{},
		},
		{
			method: http.MethodGet, path: prefix + "servers", id: "servers",
			summary: "What probes have found out about the servers of each destination, and what follows: `dropferry check --connect`, without asking them.",
			answer:  Servers{},
		},
		{method: http.MethodGet, path: prefix + "log", id: "log", summary: "The last lines of the log, the oldest first.", answer: LogTail{}},
		{method: http.MethodGet, path: prefix + "openapi.json", id: "openapi", summary: "This description.", answer: map[string]string{}},
	}
}

// OpenAPI describes what can be asked over HTTP, by OpenAPI 3.1: https://spec.openapis.org/oas/v3.1.0. It is made of the types
// that are answered, so that it says what they are.
func OpenAPI() any {
	type object = map[string]any
	s := schemas{all: object{}}
	paths := object{}
	for _, o := range operations() {
		answer := object{"description": "as asked", "content": object{"application/json": object{"schema": s.of(reflect.TypeOf(o.answer))}}}
		if _, isText := o.answer.(string); isText {
			answer["content"] = object{"text/plain": object{"schema": object{"type": "string"}}}
		}
		answers := object{"200": answer, "default": object{
			"description": "an error, in words", "content": object{"application/json": object{"schema": s.of(reflect.TypeFor[fault]())}},
		}}
		if o.alsoIs503 {
			answers["503"] = answer
		}
		one := object{"operationId": o.id, "summary": o.summary, "responses": answers}
		if o.open {
			one["security"] = []object{}
		}
		var parameters []object
		for _, p := range o.parameters {
			schema := object{"type": "string"}
			if p.format == "int64" {
				schema["type"] = "integer"
			}
			if p.format != "" {
				schema["format"] = p.format
			}
			parameters = append(parameters, object{
				"name": p.name, "in": "query", "description": p.about, "required": strings.HasSuffix(p.about, "; required"), "schema": schema,
			})
		}
		if parameters != nil {
			one["parameters"] = parameters
		}
		if o.body != nil {
			one["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": s.of(reflect.TypeOf(o.body))}}}
		}
		paths[o.path] = object{strings.ToLower(o.method): one}
	}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "dropferry", "version": "1",
			"description": "What a running agent answers at [control] listen. Fields are only ever added. The token is in control.token in the state directory.",
		},
		"paths":    paths,
		"security": []object{{"token": []string{}}, {"browser": []string{}}},
		"components": object{
			"schemas": s.all,
			"securitySchemes": object{
				"token":   object{"type": "http", "scheme": "bearer"},
				"browser": object{"type": "apiKey", "in": "cookie", "name": "dropferry-..."},
			},
		},
	}
}

// schemas are those of the types that were met.
type schemas struct{ all map[string]any }

// of returns the schema of a type, as encoding/json writes it.
func (s schemas) of(t reflect.Type) map[string]any {
	type object = map[string]any
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[[]byte]():
		return object{"type": "string", "format": "byte"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		s.add(t)
		return object{"$ref": "#/components/schemas/" + schemaName(t)}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer", "format": "int64"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Interface:
		return object{}
	}
	return object{"type": "string"}
}

func schemaName(t reflect.Type) string { return strings.ToUpper(t.Name()[:1]) + t.Name()[1:] }

func (s schemas) add(t reflect.Type) {
	name := schemaName(t)
	if s.all[name] != nil {
		return
	}
	properties, required := map[string]any{}, []string{}
	schema := map[string]any{"type": "object", "properties": properties}
	s.all[name] = schema // before its fields, which may hold it
	for _, f := range reflect.VisibleFields(t) {
		word, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if word == "" || word == "-" {
			continue
		}
		properties[word] = s.of(f.Type)
		if options == "" {
			required = append(required, word)
		}
	}
	schema["required"] = required
}
