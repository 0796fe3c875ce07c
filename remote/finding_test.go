package remote

import (
	"strings"
	"testing"
	"time"
)

func TestConsequences(t *testing.T) {
	t.Parallel()
	all := Capabilities{
		Version: ProbeVersion, Fsync: true, Rename: true, RenameRefuses: true, PosixRename: true, SetTimes: true, Stat: true, StatVFS: true,
		Extensions: map[string]string{extCopyData: "1"}, Hash: hashCommands[0], Limits: Limits{Packet: 262144, Write: 261120, Handles: 100},
	}
	at := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	for _, test := range []struct {
		name   string
		change func(*Capabilities)
		ok     bool
		text   string
	}{
		{"rename", func(*Capabilities) {}, true, "published in one step"},
		{"rename", func(c *Capabilities) { c.Rename = false }, false, "REFUSED"},
		{"rename over", func(*Capabilities) {}, true, "nobody's file can be replaced"},
		{"rename over", func(c *Capabilities) { c.RenameRefuses = false }, false, "would be replaced"},
		{"posix-rename", func(*Capabilities) {}, true, "in one step"},
		{"posix-rename", func(c *Capabilities) { c.PosixRename = false }, false, "in two steps, with a backup"},
		{"content proof", func(*Capabilities) {}, true, "`xargs -0 openssl dgst -sha256 -r` at the server"},
		{"content proof", func(c *Capabilities) { c.Hash, c.CheckFile = "", checkFileName }, true, "by check-file-name"},
		{"content proof", func(c *Capabilities) { c.Hash = "" }, false, "reads files back"},
		{"copy", func(*Capabilities) {}, true, "works: of a large file"},
		{"copy", func(c *Capabilities) { c.Hash = "" }, true, "reads the file back"},
		{"copy", func(c *Capabilities) { c.Extensions = nil }, false, "a file that has changed is sent whole"},
		{"stat", func(c *Capabilities) { c.Stat = false }, false, "asked for before it"},
		{"fsync", func(c *Capabilities) { c.Fsync = false }, false, "power cut"},
		{"set time", func(c *Capabilities) { c.SetTimes = false }, false, "the server's time"},
		{"statvfs", func(c *Capabilities) { c.StatVFS = false }, false, "does not tell its free space"},
		{"packet size", func(*Capabilities) {}, true, "writes of 255 KiB"},
		{"packet size", func(c *Capabilities) { c.Limits = Limits{} }, false, "writes of 32 KiB"},
		{"packet size", func(c *Capabilities) { c.LargeCuts, c.LargeCutAt = 1, at }, false, "1 session ended right behind larger ones, from 2026-05-06 08:08 UTC on"},
		{"packet size", func(c *Capabilities) { c.LargeCuts, c.LargeCutAt = 2, at }, false, "2 sessions ended"},
		{"packet size", func(c *Capabilities) { c.LargeCuts, c.LargeWrites = 2, true }, true, "writes of 255 KiB"},
		{"open files", func(*Capabilities) {}, true, "100, of which 50 are used at most"},
		{"open files", func(c *Capabilities) { c.MaxOpen = 1 }, false, "1 at a time"},
		{"open files", func(c *Capabilities) { c.Limits.Handles = 0 }, true, "no limit told"},
		{"names", func(*Capabilities) {}, true, "told apart by case and form"},
		{"names", func(c *Capabilities) { c.FoldsCase = true }, false, "not told apart by case: "},
		{"names", func(c *Capabilities) { c.FoldsForm = true }, false, "not told apart by the form of accents: "},
		{"names", func(c *Capabilities) { c.FoldsCase, c.FoldsForm = true, true }, false, "by case, nor by the form of accents: "},
		{"requests", func(*Capabilities) {}, true, "many at once"},
		{"requests", func(c *Capabilities) { c.InFlight = 1 }, false, "at most 1 at once"},
	} {
		c := all
		test.change(&c)
		found := 0
		for _, f := range c.Consequences() {
			if strings.Contains(f.Text, "\n") || f.Text == "" {
				t.Errorf("%s: %q is no line", f.Name, f.Text)
			}
			if f.Name != test.name {
				continue
			}
			found++
			if f.OK != test.ok || !strings.Contains(f.Text, test.text) {
				t.Errorf("%s: %t, %q, want %t, %q", f.Name, f.OK, f.Text, test.ok, test.text)
			}
		}
		if found != 1 {
			t.Errorf("%s: %d lines", test.name, found)
		}
	}
	for _, f := range all.Consequences() {
		if !f.OK {
			t.Errorf("%s is missing: %s", f.Name, f.Text)
		}
	}
}
