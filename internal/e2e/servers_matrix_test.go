package e2e

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	name := filepath.Join("..", "..", "docs", "compatibility.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), matrixBegins)
	table, after, ends := strings.Cut(rest, matrixEnds)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", name)
	}
	written := map[string]string{}
	for line := range strings.Lines(table) {
		if f := strings.SplitN(line, " | ", 3); len(f) == 3 {
			written[strings.TrimPrefix(f[0], "| ")] = strings.TrimSpace(line)
		}
	}
	lines := []string{"", matrixHead}
	for _, server := range servers {
		row, ok := seen[server.name]
		switch {
		case !ok:
			lines = append(lines, written[server.name])
			continue
		case !*writeMatrix && !strings.Contains(written[server.name], " | "+row.version+" | "):
			t.Logf("%s is here in version %s, which docs/compatibility.md does not know", server.name, row.version)
		case !*writeMatrix && written[server.name] != row.line(server.name):
			t.Errorf("docs/compatibility.md says\n%s\nand here it is\n%s\n(write it with: go test ./internal/e2e -run TestServers -write-compatibility)",
				written[server.name], row.line(server.name))
		}
		lines = append(lines, row.line(server.name))
	}
	if !*writeMatrix {
		return
	}
	text = []byte(before + matrixBegins + strings.Join(lines, "\n") + "\n" + matrixEnds + after)
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
