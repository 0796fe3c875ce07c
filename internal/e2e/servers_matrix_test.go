package e2e

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// serverRow is what was seen of one server, as the table of docs/compatibility.md has it.
type serverRow struct {
	version, upload, resume, evidence, publish, replace, move, hash, lacks string
}

// abilities are what `check --connect --json` says that a server can do.
type abilities struct {
	Extensions    map[string]string
	Banner        string
	Hash          string
	CheckFile     string `json:"check_file"`
	Limits        struct{ Write int }
	Rename        bool
	RenameRefuses bool `json:"rename_refuses"`
	PosixRename   bool `json:"posix_rename"`
	Fsync         bool
	SetTimes      bool `json:"set_times"`
	StatVFS       bool
	InFlight      int `json:"in_flight"`
	MaxOpen       int `json:"max_open"`
}

// rowOf says what the abilities of a server are in the words of the table; the banner tells OpenSSH's version. resumed tells that a cut upload went on.
func rowOf(version string, c *abilities, resumed bool) serverRow {
	row := serverRow{
		version: cmp.Or(version, strings.TrimPrefix(c.Banner, "SSH-2.0-OpenSSH_")), upload: "32 KiB", resume: "from the beginning",
		publish: "rename, which replaces", replace: "rename to a backup, rename", move: "sent again", hash: "none",
	}
	if c.Limits.Write > 0 {
		row.upload = fmt.Sprintf("%d KiB", min(c.Limits.Write, 255<<10)>>10)
	}
	if c.InFlight > 0 {
		row.upload += fmt.Sprintf(", %d at once", c.InFlight)
	}
	if c.MaxOpen > 0 {
		row.upload += fmt.Sprintf(", %d open", c.MaxOpen)
	}
	if resumed {
		row.resume = "from a checkpoint"
	}
	if c.RenameRefuses {
		row.publish = "rename"
	}
	if c.PosixRename {
		row.replace = "posix-rename"
	}
	switch {
	case c.Hash != "":
		row.hash = "`" + strings.TrimPrefix(c.Hash, "xargs -0 ") + "`"
	case c.CheckFile != "":
		row.hash = c.CheckFile
	}
	var lacks []string
	for _, l := range []struct {
		name  string
		there bool
	}{{"fsync", c.Fsync}, {"times", c.SetTimes}, {"free space", c.StatVFS}} {
		if !l.there {
			lacks = append(lacks, l.name)
		}
	}
	row.lacks = strings.Join(lacks, ", ")
	return row
}

func (row serverRow) line(name string) string {
	return fmt.Sprintf("| %s | %s | yes | %s | %s | %s | %s | %s | %s | held | trash | %s | %s |",
		name, row.version, row.upload, row.resume, row.evidence, row.publish, row.replace, row.move, row.hash, cmp.Or(row.lacks, "nothing"))
}

// The lines between which the table stands.
const (
	matrixBegins = "<!-- what TestServers has seen -->"
	matrixEnds   = "<!-- end -->"
	matrixHead   = "| server | version | connect | a write | resume | evidence | published by | own version replaced by | a moved file | somebody else's | removed to | hash at the server | without |\n" +
		"|---|---|---|---|---|---|---|---|---|---|---|---|---|"
)

// compareMatrix compares what was seen with the page, or writes it there. Of a server in another version than the page's
// nothing is asked.
func compareMatrix(t *testing.T, seen map[string]serverRow) {
	t.Helper()
	page, table := pageTable(t, matrixBegins)
	lines := []string{"", matrixHead}
	for _, server := range servers {
		row, ok := seen[server.name]
		before := table.line(server.name)
		switch {
		case !ok:
			lines = append(lines, before)
			continue
		case !*writeMatrix && !strings.Contains(before, " | "+row.version+" | "):
			t.Logf("%s is here in version %s, which docs/compatibility.md does not know", server.name, row.version)
		case !*writeMatrix && before != row.line(server.name):
			t.Errorf("docs/compatibility.md says\n%s\nand here it is\n%s\n(write it with: go test ./internal/e2e -run TestServers -write-compatibility)",
				before, row.line(server.name))
		}
		lines = append(lines, row.line(server.name))
	}
	if *writeMatrix {
		page.write(t, table, strings.Join(lines, "\n")+"\n")
	}
}

// compatibilityPage is docs/compatibility.md while its tables are written, one after the other.
type compatibilityPage struct{ name string }

var pageTurn sync.Mutex

// writtenTable is the text of a table that a test writes, between its two lines.
type writtenTable struct{ begins, text string }

// pageTable returns a table of docs/compatibility.md, which begins at a line.
func pageTable(t *testing.T, begins string) (compatibilityPage, writtenTable) {
	t.Helper()
	page := compatibilityPage{filepath.Join("..", "..", "docs", "compatibility.md")}
	_, text, _ := page.cut(t, begins)
	return page, writtenTable{begins, text}
}

func (p compatibilityPage) cut(t *testing.T, begins string) (before, table, after string) {
	t.Helper()
	text, err := os.ReadFile(p.name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(text), begins)
	table, after, ended := strings.Cut(rest, matrixEnds)
	if !begun || !ended {
		t.Fatalf("%s has no place for the table %s", p.name, begins)
	}
	return before, table, after
}

// write puts other text in the place of a table's.
func (p compatibilityPage) write(t *testing.T, table writtenTable, text string) {
	t.Helper()
	pageTurn.Lock()
	defer pageTurn.Unlock()
	before, _, after := p.cut(t, table.begins)
	if err := os.WriteFile(p.name, []byte(before+table.begins+text+matrixEnds+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// line returns the row of a name, "" where there is none.
func (w writtenTable) line(name string) string {
	for line := range strings.Lines(w.text) {
		if strings.HasPrefix(line, "| "+name+" | ") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
