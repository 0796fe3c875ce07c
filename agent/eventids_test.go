package agent

import (
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/service"
)

// What an agent tells of a file, a folder or a destination has an id of its own in the Windows Event Log, whatever its words
// will be: monitoring filters by them.
func TestEventsHaveIDs(t *testing.T) {
	wordings := 0
	source, err := parser.ParseFile(token.NewFileSet(), "log.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	levels := map[string]slog.Level{"LevelInfo": slog.LevelInfo, "LevelWarn": slog.LevelWarn, "LevelError": slog.LevelError}
	ast.Inspect(source, func(n ast.Node) bool {
		r, ok := n.(*ast.ReturnStmt) // return slog.LevelWarn, "attempt failed"
		if !ok || len(r.Results) != 2 {
			return true
		}
		selector, isLevel := r.Results[0].(*ast.SelectorExpr)
		text, isText := r.Results[1].(*ast.BasicLit)
		if !isLevel || !isText {
			return true
		}
		level, loud := levels[selector.Sel.Name]
		message, err := strconv.Unquote(text.Value)
		if err != nil || !loud || message == "" {
			return true
		}
		wordings++
		id, routine := service.EventID(level, message)
		if id < 10 {
			t.Errorf("%q has no id of its own", message)
		}
		if routine && level != slog.LevelInfo {
			t.Errorf("%q is left out, at level %v", message, level)
		}
		return true
	})
	if wordings < 20 {
		t.Errorf("only %d wordings were found", wordings)
	}
}

// So has all else that is logged as a warning or an error, wherever that is.
func TestWarningsHaveIDs(t *testing.T) {
	levels := map[string]slog.Level{"Warn": slog.LevelWarn, "Error": slog.LevelError}
	found := 0
	for _, dir := range []string{".", "../cmd/dropferry", "../remote", "../syncer", "../watcher", "../state", "../control"} {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			source, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(source, func(n ast.Node) bool {
				call, is := n.(*ast.CallExpr) // log.Warn("scan failed", "folder", name)
				if !is || len(call.Args) == 0 {
					return true
				}
				selector, isMethod := call.Fun.(*ast.SelectorExpr)
				text, isText := call.Args[0].(*ast.BasicLit)
				if !isMethod || !isText || text.Kind != token.STRING {
					return true
				}
				level, loud := levels[selector.Sel.Name]
				message, err := strconv.Unquote(text.Value)
				if !loud || err != nil {
					return true
				}
				found++
				if id, _ := service.EventID(level, message); id < 10 {
					t.Errorf("%s: %q has no id of its own", name, message)
				}
				return true
			})
		}
	}
	if found < 20 {
		t.Errorf("only %d warnings and errors were found", found)
	}
}
