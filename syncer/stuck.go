package syncer

import "fmt"

// stuckTold bounds how many files are told of at once that do not become ready: a folder whose markers do not come may have
// thousands.
const stuckTold = 20

// tellStuck tells, once of each, of the files that have not become ready for long. Those that began to settle later become
// stuck later, so that it is enough to remember one moment.
func (p *Planner) tellStuck() {
	if p.folder.Stuck == nil {
		return
	}
	found := p.folder.Stuck(p.stuck, stuckTold)
	if found.Count == 0 {
		return
	}
	p.stuck = found.Last
	for _, e := range found.First {
		p.observe(Event{
			At: p.now(), Type: EventStuck, Folder: p.folder.Name, Path: e.Path, Size: e.Fingerprint.Size,
			Reason: fmt.Sprintf("%s since %s", e.Reason, e.Since.UTC().Format("2006-01-02 15:04 UTC")),
		})
	}
	if more := found.Count - len(found.First); more > 0 {
		p.observe(Event{At: p.now(), Type: EventStuck, Folder: p.folder.Name, Reason: files(more) + " more do not become ready"})
	}
}
