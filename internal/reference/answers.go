package reference

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"
)

// Answer is what a command prints as JSON.
type Answer struct {
	Command string // as it is typed
	About   string // a sentence, or ""
	Value   any    // an example of its type
}

// answersPage describes types as encoding/json writes them, with the comments that they have in the sources.
func answersPage(tree string, answers []Answer) (string, error) {
	p := newPage("JSON", "the types that are printed, and their comments")
	p.printf("\nFields are only ever added. Times are RFC 3339 in UTC, sizes are bytes, `?` marks what may be left out. How commands and their words go\n" +
		"together is in [commands](../commands.md#json). What a running agent answers over HTTP is described by `/api/v1/openapi.json`.\n")
	d := &describer{page: p, tree: tree, comments: map[string]map[string]string{}, done: map[reflect.Type]bool{}}
	for _, a := range answers {
		p.printf("\n## `%s`\n", a.Command)
		if a.About != "" {
			p.printf("\n%s\n", a.About)
		}
		if err := d.describe(reflect.TypeOf(a.Value)); err != nil {
			return "", err
		}
	}
	p.printf("\n## Types\n")
	for len(d.waiting) > 0 {
		t := d.waiting[0]
		d.waiting = d.waiting[1:]
		p.printf("\n### %s\n", t.Name())
		if err := d.describe(t); err != nil {
			return "", err
		}
	}
	return p.String(), nil
}

// describer writes a table for each type, once.
type describer struct {
	page     *page
	tree     string
	comments map[string]map[string]string // by package: of TYPE.FIELD
	done     map[reflect.Type]bool        // those that stand below Types, or will
	waiting  []reflect.Type
}

func (d *describer) describe(t reflect.Type) error {
	d.page.table("field", "value", "meaning")
	return d.rows(t)
}

func (d *describer) rows(t reflect.Type) error {
	comments, err := d.commentsOf(t.PkgPath())
	if err != nil {
		return err
	}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case f.Anonymous && name == "":
			if err := d.rows(f.Type); err != nil {
				return err
			}
			continue
		case name == "":
			name = f.Name
		}
		word := code(name)
		if strings.Contains(options, "omit") {
			word += "?"
		}
		d.page.row(word, d.valueOf(f.Type), comments[t.Name()+"."+f.Name])
	}
	return nil
}

// valueOf words a type, and has those described that have fields.
func (d *describer) valueOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "time"
	case t == reflect.TypeFor[[]byte]():
		return "base64"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.valueOf(t.Elem())
	case reflect.Slice:
		return "list of " + d.valueOf(t.Elem())
	case reflect.Map:
		return "table of " + d.valueOf(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Float64:
		return "number"
	case reflect.Struct:
		if !d.done[t] {
			d.done[t] = true
			d.waiting = append(d.waiting, t)
		}
		return fmt.Sprintf("[%s](#%s)", t.Name(), strings.ToLower(t.Name()))
	}
	return "whole number"
}

const module = "github.com/dropferry/dropferry/"

// commentsOf reads what a package's types say of their fields.
func (d *describer) commentsOf(pkg string) (map[string]string, error) {
	if known, ok := d.comments[pkg]; ok {
		return known, nil
	}
	said := map[string]string{}
	d.comments[pkg] = said
	dir := filepath.Join(d.tree, filepath.FromSlash(strings.TrimPrefix(pkg, module)))
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the sources of %s: %w", pkg, err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, f.Name()), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				noteComments(said, spec)
			}
			return true
		})
	}
	return said, nil
}

func noteComments(said map[string]string, spec *ast.TypeSpec) {
	fields, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range fields.Fields.List {
		text := f.Comment.Text()
		if text == "" {
			text = f.Doc.Text()
		}
		for _, name := range f.Names {
			said[spec.Name.Name+"."+name.Name] = strings.TrimSpace(text)
		}
	}
}
