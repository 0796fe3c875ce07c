package state

import (
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// Named is what has a name in the configuration.
type Named string

// What has one.
const (
	FolderName      Named = "folder"
	DestinationName Named = "destination"
)

// Renaming is a folder or a destination that was called otherwise before.
type Renaming struct {
	Kind      Named
	Was, Name string

	upto int64     // the last receipt before it
	at   time.Time // of the renaming
}

// renamings are all that there were, the oldest first. Receipts keep the names of their time, so what a name means
// depends on when it was written: it may have been given to something else since.
type renamings struct {
	all   []Renaming
	taken map[named]bool // what has a name now, or had it when it left the configuration
}

type named struct {
	kind Named
	name string
}

// span is a stretch of the ledger in which something had a name.
type span struct {
	name        string
	after, upto int64 // receipts
}

// spans returns under which names the ledger has what is called name, the newest first.
func (p renamings) spans(kind Named, name string) []span {
	at := span{name: p.latest(kind, name), upto: math.MaxInt64}
	var found []span
	for _, r := range slices.Backward(p.all) {
		switch {
		case r.Kind != kind:
		case r.Name == at.name:
			at.after = r.upto
			found = append(found, at)
			at = span{name: r.Was, upto: r.upto}
		case r.Was == at.name: // something else had the name before
			at.after = r.upto
			return append(found, at)
		}
	}
	return append(found, at)
}

// latest follows a name that nothing has any more to that which took its place.
func (p renamings) latest(kind Named, name string) string {
	if p.taken[named{kind, name}] {
		return name
	}
	for _, r := range p.all { // in the order of time, so that a name given up twice leads on
		if r.Kind == kind && r.Was == name {
			name = r.Name
		}
	}
	return name
}

// now returns a receipt with the names that its route has today.
func (p renamings) now(d Delivery) Delivery {
	for _, r := range p.all {
		switch {
		case r.upto < d.Seq:
		case r.Kind == FolderName && r.Was == d.Folder:
			d.Folder = r.Name
		case r.Kind == DestinationName && r.Was == d.Destination:
			d.Destination = r.Name
		}
	}
	return d
}

// called is the condition that a column holds what had these names.
func called(column string, names []span) (condition string, args []any) {
	if len(names) == 1 && names[0].after == 0 {
		return column + " = ?", []any{names[0].name}
	}
	each := make([]string, len(names))
	for i, at := range names {
		each[i] = "(" + column + " = ? AND +seq > ? AND +seq <= ?)"
		args = append(args, at.name, at.after, at.upto)
	}
	return "(" + strings.Join(each, " OR ") + ")", args
}

// renamed keeps the renamings: they are asked for with each delivery, and change with a configuration.
type renamed struct {
	mu   sync.Mutex
	past *renamings // nil where they have to be read
}

// in returns the renamings. It comes first in a read, so that what is kept is never older than the last change.
func (k *renamed) in(c *conn) (renamings, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.past != nil {
		return *k.past, nil
	}
	p := renamings{taken: map[named]bool{}}
	err := c.each(func(r row) error {
		p.all = append(p.all, Renaming{Kind: Named(r.text(0)), Was: r.text(1), Name: r.text(2), upto: r.int(3), at: r.time(4)})
		return nil
	}, "SELECT kind, was, name, upto, at FROM renamings ORDER BY seq")
	if err != nil {
		return p, err
	}
	err = c.each(func(r row) error {
		p.taken[named{Named(r.text(0)), r.text(1)}] = true
		return nil
	}, "SELECT kind, name FROM names")
	if err == nil {
		k.past = &p
	}
	return p, err
}

func (k *renamed) forget() {
	k.mu.Lock()
	k.past = nil
	k.mu.Unlock()
}
