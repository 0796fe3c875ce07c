package syncer

import (
	"cmp"
	"slices"
	"strings"
)

// Why an operation waits, by the order of its folder.
const (
	ReasonSequential = Reason(RuleSequential)
	ReasonLast       = Reason(RuleLast)
)

// arrange puts the operations of a folder in the order in which they would be done, and those that would have to wait for
// others, which are held or settling, on the list of what waits. What moves no file stays behind them.
func (o *Order) arrange(all []Operation) []Operation {
	var moving, rest []Operation
	destinations := map[string]bool{}
	for _, op := range all {
		if op.movesFile() {
			moving = append(moving, op)
			destinations[op.Destination] = true
		} else {
			rest = append(rest, op)
		}
	}
	slices.SortStableFunc(moving, func(a, b Operation) int { return o.compare(&a, &b) })
	for destination := range destinations {
		o.stop(moving, rest, destination)
	}
	return append(moving, rest...)
}

// movesFile tells whether an operation is about a file that is to get to its destination.
func (op *Operation) movesFile() bool {
	switch op.Op {
	case Upload, Rename, Adopt, Hold:
		return op.Destination != "" && op.Path != ""
	}
	return false
}

func (o *Order) seatIn(op *Operation) seat { return o.seat(op.Path, op.print) }

// compare puts what goes last behind everything else, and of that what others wait for first.
func (o *Order) compare(a, b *Operation) int {
	x, y := o.seatIn(a), o.seatIn(b)
	switch {
	case x.last() && !y.last():
		return 1
	case y.last() && !x.last():
		return -1
	case x.last():
		depth := func(s seat) int { return strings.Count(string(s.path), "/") }
		if c := cmp.Or(cmp.Compare(depth(y), depth(x)), cmp.Compare(x.kind, y.kind)); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(x.place, y.place), cmp.Compare(x.path, y.path))
}

// stopper is what others wait for that does not go on by itself.
type stopper struct {
	seat
	obstacle Obstacle
}

// stop turns the operations at one destination into waits that wait for one that is held, for a file that is settling, or
// for another one that waits for those. They are in order.
func (o *Order) stop(moving, rest []Operation, destination string) {
	var stuck, first []stopper // of all; of those, what stops strict order
	for i := range rest {
		if op := &rest[i]; op.Op == Wait && op.Reason == ReasonSettling {
			s := stopper{o.seatIn(op), Obstacle{What: IsSettling, Path: op.Path, Detail: op.Detail}}
			stuck = append(stuck, s)
			if !s.last() {
				first = append(first, s)
			}
		}
	}
	for i := range moving {
		if op := &moving[i]; op.Destination == destination && op.Op == Hold {
			s := stopper{o.seatIn(op), Obstacle{What: IsHeld, Path: op.Path, Detail: op.Detail}}
			if op.Reason == ReasonParked {
				s.obstacle.What = IsParked
			}
			stuck = append(stuck, s)
			if !o.waitsForAny(s.seat, moving, destination) {
				first = append(first, s)
			}
		}
	}
	for i := range moving {
		op := &moving[i]
		if op.Destination != destination || op.Op == Hold {
			continue
		}
		seat := o.seatIn(op)
		rule := RuleLast
		n := slices.IndexFunc(stuck, func(s stopper) bool { return seat.waitsFor(s.seat) })
		by := stuck
		if n < 0 && o.Sequential {
			rule, by = RuleSequential, first
			n = slices.IndexFunc(first, func(s stopper) bool { return s.before(seat) })
		}
		if n < 0 {
			continue
		}
		obstacle := by[n].obstacle
		stuck = append(stuck, stopper{seat, obstacle})
		op.Op, op.Reason, op.Detail = Wait, Reason(rule), rule.waitsFor(&obstacle)
	}
}

// waitsForAny tells whether a file waits for one that is to get to a destination.
func (o *Order) waitsForAny(s seat, moving []Operation, destination string) bool {
	return s.last() && slices.ContainsFunc(moving, func(op Operation) bool {
		return op.Destination == destination && s.waitsFor(o.seatIn(&op))
	})
}
