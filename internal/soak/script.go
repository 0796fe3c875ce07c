package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// verb is what a producer does with a name.
type verb string

const (
	drop    verb = "drop"    // under a temporary name, then renamed to its own, over what is there
	inPlace verb = "inPlace" // under its own name, slowly; what is there is emptied first
	grow    verb = "grow"    // opened, more of the same content added, closed
	over    verb = "over"    // opened while it is sent, other content of the same size written over it, closed
	rename  verb = "rename"  // to another name
	touch   verb = "touch"   // a new time, the same content
)

// step is one thing that a producer does.
type step struct {
	At      time.Duration // since the beginning, not before the last step is done
	Do      verb
	Name    string // in the folder
	To      string // of a rename
	Content int
	From    int64 // of grow: what is there already
	Size    int64
	Pace    time.Duration // how long writing is to take, at least
}

// A soak has a few producers, each with names of its own: what one does depends on nothing that another does.
const (
	outbox = "outbox"
	mirror = "mirror"
)

// producer is how one of them works.
type producer struct {
	Folder string
	Prefix string        // of its names
	Every  time.Duration // between two steps, on average
	Sizes  sizes
}

// sizes is what a producer's files are like.
type sizes int

const (
	mixed  sizes = iota // mostly small
	large               // 20 MiB and more
	middle              // to be written over while they are sent
)

var producers = []producer{
	{outbox, "orders", 350 * time.Millisecond, mixed},
	{outbox, "exports", 20 * time.Second, large},
	{mirror, "pages", 600 * time.Millisecond, mixed},
	{mirror, "images", 30 * time.Second, large},
	{mirror, "books", 7 * time.Second, middle},
}

// largest is the size of the largest file.
const largest = 200 << 20

// author writes a producer's script.
type author struct {
	producer
	random *rand.Rand
	number int // of the producer: contents are numbered apart
	steps  []step
	names  []string             // that may be used again
	have   map[string]lastWrite // what a name holds by the script
}

type lastWrite struct {
	content int
	size    int64
}

// script returns what a producer does in that time. It depends on the seed alone.
func script(seed uint64, number int, lasts time.Duration) []step {
	a := &author{
		producer: producers[number], random: rand.New(rand.NewPCG(seed, uint64(number))), number: number,
		have: map[string]lastWrite{},
	}
	first := time.Duration(a.random.Int64N(int64(2 * time.Second)))
	for at := first; at < lasts; at += time.Duration((0.5 + a.random.Float64()) * float64(a.Every)) {
		a.step(at)
		a.overwrite(at)
	}
	return a.steps
}

// What is written over: large enough that some of it is not read yet when the first of it arrives, and small enough that
// the rest arrives before anybody has planned the new version.
const (
	leastOver = 6 << 20
	mostOver  = 12 << 20
)

// overwrite adds a step that meets a file of the mirror while it is sent: what was read of it by then is of another version
// than the rest, and nothing but its times says so.
func (a *author) overwrite(at time.Duration) {
	last := a.steps[len(a.steps)-1]
	before := a.have[last.Name]
	if a.Folder != mirror || last.Do == rename || before.size < leastOver || before.size > mostOver {
		return
	}
	s := step{At: at, Do: over, Name: last.Name, Content: a.content(), Size: before.size}
	a.note(s)
	a.steps = append(a.steps, s)
}

func (a *author) step(at time.Duration) {
	s := step{At: at, Content: a.content(), Size: a.size()}
	if len(a.names) == 0 {
		a.fresh(&s)
	} else if a.Folder == outbox {
		a.inOutbox(&s)
	} else {
		a.inMirror(&s)
	}
	if _, again := a.have[s.Name]; again && s.Size == 0 { // a name is empty once at most: it would be the same content
		s.Size = leastSize
	}
	a.note(s)
	a.steps = append(a.steps, s)
}

// content returns the number of a content that was never used.
func (a *author) content() int { return a.number*1_000_000 + len(a.steps) }

// inOutbox mostly drops files under names that were never there.
func (a *author) inOutbox(s *step) {
	switch n := a.random.IntN(20); {
	case n < 13:
		a.fresh(s)
	case n < 15: // the same name again: a new delivery, or a replacement of what has not left yet
		s.Do, s.Name = drop, a.pick()
	case n < 17:
		a.slow(s, a.pick())
	default: // the name given last has the best chance to be still there
		s.Do, s.Name, s.To = rename, a.names[len(a.names)-1], a.name()
	}
}

// inMirror mostly changes what is there.
func (a *author) inMirror(s *step) {
	enough := 60
	if a.Sizes != mixed {
		enough = 3
	}
	n := a.random.IntN(20)
	if len(a.names) < enough/2 || (n < 3 && len(a.names) < enough) {
		a.fresh(s)
		return
	}
	switch name := a.pick(); {
	case n < 9:
		s.Do, s.Name = drop, name
	case n < 12:
		a.slow(s, name)
	case n < 15 && a.have[name].size > 0 && a.have[name].size < largest/2:
		s.Do, s.Name, s.Content = grow, name, a.have[name].content
		s.From = a.have[name].size
		s.Size = s.From + leastSize + a.random.Int64N(s.From)
	case n < 18:
		s.Do, s.Name, s.To = rename, name, a.name()
	default:
		s.Do, s.Name = touch, name
	}
}

// fresh gives the step a new name.
func (a *author) fresh(s *step) {
	if s.Do, s.Name = drop, a.name(); a.random.IntN(3) == 0 {
		a.slow(s, s.Name)
	}
}

// slow lets a file be written under its own name, in up to six seconds: there is no doubt that it would be quiet for the
// quiet time if nobody held it open.
func (a *author) slow(s *step, name string) {
	s.Do, s.Name, s.Pace = inPlace, name, time.Duration(a.random.Int64N(int64(6*time.Second)))
	if s.Size <= chunk { // one write: nothing to spread
		s.Pace = 0
	}
}

func (a *author) pick() string { return a.names[a.random.IntN(len(a.names))] }

// name returns a name that was never used, in one of a few directories.
func (a *author) name() string {
	dirs := []string{"", "", "2026/", "2026/östlich/"}
	return fmt.Sprintf("%s/%s%s %d.bin", a.Prefix, dirs[a.random.IntN(len(dirs))], a.Prefix[:1], len(a.steps))
}

// note keeps what the names hold.
func (a *author) note(s step) {
	switch s.Do {
	case rename:
		a.have[s.To] = a.have[s.Name]
		delete(a.have, s.Name)
		a.names[slices.Index(a.names, s.Name)] = s.To
	case touch:
	default:
		a.have[s.Name] = lastWrite{s.Content, s.Size}
		if !slices.Contains(a.names, s.Name) {
			a.names = append(a.names, s.Name)
		}
	}
}

// size draws a size: mostly small, now and then none at all; the first large file is the largest that there may be.
func (a *author) size() int64 {
	switch {
	case a.Sizes == middle:
		return a.between(leastOver, mostOver)
	case a.Sizes == large && len(a.steps) == 0:
		return largest
	case a.Sizes == large:
		return a.between(20<<20, largest)
	}
	switch n := a.random.IntN(100); {
	case n < 3 && a.Folder == outbox: // in the mirror a name would have the empty content twice
		return 0
	case n < 45:
		return a.between(leastSize, 4<<10)
	case n < 80:
		return a.between(4<<10, 256<<10)
	case n < 98:
		return a.between(256<<10, 8<<20)
	}
	return a.between(8<<20, 20<<20)
}

// between draws evenly over the orders of magnitude.
func (a *author) between(least, most int64) int64 {
	return int64(float64(least) * math.Pow(float64(most)/float64(least), a.random.Float64()))
}
