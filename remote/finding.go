package remote

import (
	"fmt"
	"strings"
)

// Finding is what one capability is at a server, and what follows from it.
type Finding struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`   // it is there; where it is not, something is lost that Text names
	Text string `json:"text"` // one line for a person
}

// Consequences tells of each capability what follows from it, the weightiest first.
func (c Capabilities) Consequences() []Finding {
	choose := func(name string, ok bool, yes, no string) Finding {
		if ok {
			return Finding{name, true, yes}
		}
		return Finding{name, false, no}
	}
	return c.chosen([]Finding{
		choose("rename", c.Rename, "works: files are published in one step", "REFUSED: files cannot be published in one step here"),
		choose("rename over", c.RenameRefuses, "refused: nobody's file can be replaced by accident",
			"replaces: a file that appears in the last moment would be replaced"),
		choose("posix-rename", c.PosixRename, "works: our own earlier version is replaced in one step",
			"not there: our own earlier version is replaced in two steps, with a backup that is put back if the second fails"),
		c.contentProof(),
		c.copying(),
		choose("stat", c.Stat, "works: the size of an upload is looked at when it is closed",
			"refused after the close: the size is asked for before it"),
		choose("fsync", c.Fsync, "works: a delivered file is on the server's disk",
			"not there: a power cut at the server can lose what was just delivered"),
		choose("set time", c.SetTimes, "works: files keep their modification time", "refused: files get the server's time"),
		choose("statvfs", c.StatVFS, "works: a full disk is told from other failures",
			"the server does not tell its free space: a full disk is only seen when a write fails"),
		c.packetSize(),
		c.openFiles(),
		c.names(),
		c.requests(),
	})
}

// requests is how much may be asked for at once.
func (c Capabilities) requests() Finding {
	switch {
	case c.InFlight > 0:
		return Finding{Name: "requests", Text: fmt.Sprintf("at most %d at once, or answers go wrong: a distant server is slow to deliver to", c.InFlight)}
	case c.isCareful():
		return Finding{Name: "requests", Text: "one at a time of each file, or they are refused: a distant server is slow to deliver large files to"}
	}
	return Finding{Name: "requests", OK: true, Text: "many at once: small files do not wait for each other"}
}

// names is which names are told apart.
func (c Capabilities) names() Finding {
	f := Finding{Name: "names", OK: !c.Folding().Folds()}
	switch {
	case c.FoldsCase && c.FoldsForm:
		f.Text = "not told apart by case, nor by the form of accents"
	case c.FoldsCase:
		f.Text = "not told apart by case"
	case c.FoldsForm:
		f.Text = "not told apart by the form of accents"
	default:
		f.Text = "told apart by case and form"
		return f
	}
	f.Text += ": a file whose name would be another's there is held"
	return f
}

// copying is whether a new version of a file can be made at the server of the one that it has.
func (c Capabilities) copying() Finding {
	f := Finding{Name: "copy", OK: c.Copies()}
	switch {
	case !f.OK:
		f.Text = "not there: a file that has changed is sent whole"
	case c.Hashes():
		f.Text = "works: of a large file that has changed, what is new is sent, where that takes less time"
	default:
		f.Text = "works: with `verify = \"content\"`, which reads the file back, what is new of a large file that has changed is sent; else the whole"
	}
	return f
}

// contentProof is by which means a server proves a file's content.
func (c Capabilities) contentProof() Finding {
	f := Finding{Name: "content proof", OK: c.Hash != "" || c.CheckFile != ""}
	switch {
	case c.Hash != "":
		f.Text = "by `" + c.Hash + "` at the server"
	case c.CheckFile != "":
		f.Text = "by " + c.CheckFile + ", a request to the SFTP server"
	default:
		f.Text = "nothing hashes at the server: the size is compared, and verify = \"content\" reads files back"
	}
	return f
}

// packetSize is how much a WRITE carries, as far as it is known.
func (c Capabilities) packetSize() Finding {
	f := Finding{Name: "packet size", OK: c.Limits.Write > 0 && (c.LargeWrites || c.LargeCuts == 0)}
	switch {
	case c.Limits.Write == 0:
		f.Text = "not told: writes of 32 KiB, which every server takes"
	case !f.OK:
		f.Text = fmt.Sprintf("writes of 32 KiB: %d %s ended right behind larger ones, from %s on they are tried again",
			c.LargeCuts, plural(c.LargeCuts, "session"), c.LargeCutAt.Add(caution(c.LargeCuts)).UTC().Format("2006-01-02 15:04 UTC"))
	default:
		f.Text = fmt.Sprintf("writes of %d KiB", c.Limits.write()>>10)
	}
	return f
}

func (c Capabilities) openFiles() Finding {
	f := Finding{Name: "open files", OK: true}
	switch n := c.OpenFiles(); {
	case c.MaxOpen > 0:
		f.OK = false
		f.Text = fmt.Sprintf("%d at a time, and no more: further files wait for their turn", n)
	case n > 0:
		f.Text = fmt.Sprintf("%d, of which %d are used at most", c.Limits.Handles, n)
	default:
		f.Text = "no limit told, and none found with three at once"
	}
	return f
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return strings.TrimSuffix(noun, "s") + "s"
}
