package syncer

import "github.com/dropferry/dropferry/file"

// Replaced is what a scan has found of files of ours that stay at the destinations of a mirror which deletes, since links or other things
// have taken their places in the folder: see Folder.Replaced.
type Replaced struct {
	Count int
	First []file.Path // some of them
}

// replacedShown is how many of them are named.
const replacedShown = 10

func (r *Replaced) look(f *Folder, p file.Path) {
	if !f.Replaced(p) {
		return
	}
	if r.Count++; len(r.First) < replacedShown {
		r.First = append(r.First, p)
	}
}

// Replaced returns what the last whole scan has found.
func (p *Planner) Replaced() Replaced {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cycle.replaced
}

func (p *Planner) setReplaced(r Replaced) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cycle.replaced = r
}
