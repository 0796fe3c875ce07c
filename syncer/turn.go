package syncer

import (
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// scene is what decides whose turn it is on one route of a folder with an order.
type scene struct {
	order   *Order
	line    state.Line
	groups  []state.Group // of those that go last, as far as they matter
	unready []unready
	sight   sight
}

// unready is a file that is settling.
type unready struct {
	seat
	reason string
}

// Obstacle is what keeps a file from its turn.
type Obstacle struct {
	Rule   Rule
	What   ObstacleKind
	Path   file.Path // of the file that stands in the way; "" where it is no file
	ID     string    // of its intent; "" where it has none
	Detail string    // why that one does not go on, where that is known
}

// Rule is a key of a folder's configuration because of which a file waits. The words are stable: they stand in JSON.
type Rule string

// The rules.
const (
	RuleSequential Rule = "sequential"
	RuleLast       Rule = "last"
)

// waitsFor says in a sentence what a file waits for by the rule.
func (r Rule) waitsFor(o *Obstacle) string {
	if r == RuleSequential {
		return "strict order: it waits for " + o.Sentence()
	}
	return "it goes last, and waits for " + o.Sentence()
}

// Waits says in a sentence what a file waits for.
func (o *Obstacle) Waits() string { return o.Rule.waitsFor(o) }

// ObstacleKind says what is the matter with what stands in the way. The words are stable: they stand in JSON.
type ObstacleKind string

// What can be the matter.
const (
	IsQueued   ObstacleKind = "queued"   // it has its turn first
	IsFailing  ObstacleKind = "failed"   // it is tried again
	IsHeld     ObstacleKind = "held"     // waits for a person
	IsParked   ObstacleKind = "parked"   // given up, until a person frees it
	IsSettling ObstacleKind = "settling" // it is not ready
	IsNew      ObstacleKind = "new"      // it lies in the folder, and is not at the destination
	IsUnread   ObstacleKind = "unreadable"
	IsUnseen   ObstacleKind = "scanning" // no file: the folder has not been looked through since
)

// Troubled tells whether it needs more than time.
func (o *Obstacle) Troubled() bool {
	switch o.What {
	case IsFailing, IsHeld, IsParked, IsUnread:
		return true
	}
	return false
}

// passing tells whether it may end without anybody's word.
func (o *Obstacle) passing() bool {
	switch o.What {
	case IsSettling, IsNew, IsUnread, IsUnseen:
		return true
	}
	return false
}

// Sentence says what a file waits for, as the end of "it waits for".
func (o *Obstacle) Sentence() string {
	name := string(o.Path)
	if o.Detail != "" {
		switch o.What {
		case IsFailing:
			return name + ", which has failed: " + o.Detail
		case IsHeld, IsParked, IsSettling:
			return name + ", which is " + string(o.What) + ": " + o.Detail
		case IsUnread:
			return name + ", which cannot be read: " + o.Detail
		}
	}
	switch o.What {
	case IsQueued:
		return name + ", which has its turn first"
	case IsFailing:
		return name + ", which has failed"
	case IsNew:
		return name + ", which is not at the destination yet"
	case IsUnread:
		return name + ", which cannot be read"
	case IsUnseen:
		return "the end of a scan of the folder"
	}
	return name + ", which is " + string(o.What)
}

// obstacleOf returns the obstacle that an open intent is.
func obstacleOf(rule Rule, in *state.Intent) *Obstacle {
	o := &Obstacle{Rule: rule, What: IsQueued, Path: in.Path, ID: in.ID, Detail: in.LastError}
	switch {
	case in.Phase == state.Held:
		o.What = IsHeld
	case in.Phase == state.Parked:
		o.What = IsParked
	case fails(in):
		o.What = IsFailing
	}
	return o
}

// fails tells whether an intent has failed and nobody has released it since.
func fails(in *state.Intent) bool {
	return in.LastError != "" && (in.Failures > 0 || !in.NextAttempt.IsZero())
}

// beforeGroup returns what a group of files that go last waits for, nil where it waits for nothing that is known.
func (s *scene) beforeGroup(g *state.Group) *Obstacle {
	if g.Ahead != nil {
		return obstacleOf(RuleLast, g.Ahead)
	}
	first := s.order.seatOf(g.First)
	for i := range s.unready {
		if u := &s.unready[i]; first.waitsFor(u.seat) {
			return &Obstacle{Rule: RuleLast, What: IsSettling, Path: u.path, Detail: u.reason}
		}
	}
	return nil
}

// lastSeen tells whether all was seen that a file waits for which goes last.
func (s *scene) lastSeen(in *state.Intent) *Obstacle {
	if s.sight.covers(in.ReadyAt) {
		return nil
	}
	return &Obstacle{Rule: RuleLast, What: IsUnseen}
}

// next returns the intent whose turn it is in strict order: the first of all that do not wait for others because they go
// last. So there always is one, whatever waits for what. It is returned with an obstacle where it cannot go itself; then
// nothing goes. Both are nil where nothing is open but what goes last and waits, which says why itself.
func (s *scene) next(passed func(*state.Group) bool) (*state.Intent, *Obstacle) {
	if s.line.Committing != nil {
		return s.line.Committing, obstacleOf(RuleSequential, s.line.Committing)
	}
	first := s.line.First
	for i := range s.groups {
		g := &s.groups[i]
		if passed(g) || s.beforeGroup(g) != nil || s.lastSeen(g.First) != nil {
			continue
		}
		if first == nil || s.order.seatOf(g.First).before(s.order.seatOf(first)) {
			first = g.First
		}
	}
	switch {
	case first == nil:
		return nil, nil
	case first.Phase == state.Held || first.Phase == state.Parked:
		return first, obstacleOf(RuleSequential, first)
	case !s.sight.covers(first.ReadyAt):
		return first, &Obstacle{Rule: RuleSequential, What: IsUnseen}
	}
	seat := s.order.seatOf(first)
	for i := range s.unready {
		if u := &s.unready[i]; u.path != first.Path && !u.last() && u.before(seat) {
			return first, &Obstacle{Rule: RuleSequential, What: IsSettling, Path: u.path, Detail: u.reason}
		}
	}
	return first, nil
}
