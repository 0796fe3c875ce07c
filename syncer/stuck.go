package syncer

import (
	"fmt"

	"github.com/dropferry/dropferry/file"
)

// stuckTold bounds how many files are told of at once that do not become ready: a folder whose markers do not come may have
// thousands.
const stuckTold = 20

// tellStuck tells, once of each, of the files that have not become ready for long.
func (p *Planner) tellStuck() {
	if p.folder.Stuck == nil {
		return
	}
	stuck := map[file.Path]bool{}
	told := 0
	for _, e := range p.folder.Stuck() {
		stuck[e.Path] = true
		if p.stuck[e.Path] {
			continue
		}
		if told++; told > stuckTold {
			continue
		}
		p.observe(Event{
			At: p.now(), Type: EventStuck, Folder: p.folder.Name, Path: e.Path, Size: e.Fingerprint.Size,
			Reason: fmt.Sprintf("%s since %s", e.Reason, e.Since.UTC().Format("2006-01-02 15:04 UTC")),
		})
	}
	p.stuck = stuck
	if more := told - stuckTold; more > 0 {
		p.observe(Event{At: p.now(), Type: EventStuck, Folder: p.folder.Name, Reason: files(more) + " more do not become ready"})
	}
}
