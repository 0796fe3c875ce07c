package syncer

import (
	"fmt"
	"strings"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// The reasons why a folder halts. The words are stable: they stand in JSON.
const (
	HaltMarker  = "marker-missing" // the root has lost its marker: another directory, or a disk that is not mounted
	HaltEmptied = "emptied"        // no file is left
	HaltTooMany = "too-many"       // more are missing than may be removed
)

// situation is what a complete scan of a mirror shows of its files, counted by path.
type situation struct {
	present  int  // in the folder
	missing  int  // not in the folder, ours at a destination, and nothing planned for them yet
	ripe     int  // of missing, those that were missing in an earlier complete scan that is long enough ago
	most     int  // that may be removed
	accepted *int // what a person has allowed in its place; nil: nothing
	foreign  bool // the root holds a marker that is not its own
}

// removal is what follows.
type removal struct {
	remove bool   // the ripe ones
	halt   string // why the folder halts instead; "" where it does not
}

// may is how many may be removed.
func (s *situation) may() int {
	if s.accepted != nil {
		return *s.accepted
	}
	return s.most
}

// decideRemoval tells what follows from what is missing. As long as more is missing than may be removed, nothing is: a tree
// that is being deleted slowly would lose its first files otherwise.
func decideRemoval(s situation) removal {
	switch {
	case s.ripe == 0:
		return removal{}
	case s.present == 0 && s.accepted == nil:
		return removal{halt: HaltEmptied}
	case s.missing > s.may():
		return removal{halt: HaltTooMany}
	}
	return removal{remove: true}
}

// restOf returns how many removals a person has accepted still, after some were planned; some is false where the rest needs
// nobody's word. Others that were missing too, when he said so, are not missing for long enough yet, or something is under
// way under their names. passed are all that are not of them.
func restOf(s situation, planned, passed int) (rest int, some bool) {
	left := s.missing - passed
	if s.accepted == nil || left <= 0 || left <= s.most && s.present > 0 {
		return 0, false
	}
	return max(*s.accepted-planned, 0), true
}

// haltDetail words a halt for a person.
func haltDetail(reason string, root string, s situation, examples []file.Path) string {
	switch reason {
	case HaltMarker:
		if s.foreign {
			return fmt.Sprintf("the file %s in %s is not the one that dropferry has written for this folder. Is another disk mounted there, or none? "+
				"Nothing is sent or removed", file.Marker, root)
		}
		return fmt.Sprintf("%s has no file %s any more, which dropferry has written there. Is its disk mounted? Nothing is sent or removed",
			root, file.Marker)
	case HaltEmptied:
		return fmt.Sprintf("no file is left in %s, and %s would be removed (%s)", root, files(s.missing), exampleNames(examples, s.missing))
	}
	return fmt.Sprintf("%s missing in %s and would be removed, more than %d (%s)", isAre(s.missing), root, s.may(), exampleNames(examples, s.missing))
}

// isFreed tells whether a folder halts no more, since a person has raised the limit in the configuration. That less is missing by
// now frees nobody: a tree that is put back slowly would lose its last files otherwise.
func isFreed(h *state.Halt, s situation) bool {
	return h.Reason == HaltTooMany && h.MaxDelete >= 0 && s.most > h.MaxDelete && s.missing <= s.most && s.present > 0
}

// haltedDetail words a halt that goes on, as it is by now.
func haltedDetail(h *state.Halt, root string, s situation, examples []file.Path) string {
	now := fmt.Sprintf("; %s missing now (%s)", isAre(s.missing), exampleNames(examples, s.missing))
	switch h.Reason {
	case HaltEmptied:
		if s.present > 0 {
			return fmt.Sprintf("no file was left in %s, and %s would have been removed", root, files(h.Began)) + now
		}
	case HaltTooMany:
		may := h.Allowed
		if s.most > h.MaxDelete { // raised, or not noted
			may = s.most
		}
		if s.missing <= may {
			than := ""
			if h.Allowed >= 0 {
				than = fmt.Sprintf(", more than %d", h.Allowed)
			}
			return fmt.Sprintf("%s missing in %s%s", wasWere(h.Began), root, than) + now
		}
		s.accepted = &may
	}
	return haltDetail(h.Reason, root, s, examples)
}

func files(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

func isAre(n int) string {
	if n == 1 {
		return "1 file is"
	}
	return fmt.Sprintf("%d files are", n)
}

func wasWere(n int) string {
	if n == 1 {
		return "1 file was"
	}
	return fmt.Sprintf("%d files were", n)
}

// exampleNames lists some of n paths.
func exampleNames(examples []file.Path, n int) string {
	names := make([]string, len(examples))
	for i, p := range examples {
		names[i] = fmt.Sprintf("%q", string(p))
	}
	text := strings.Join(names, ", ")
	if n > len(examples) {
		text += ", ..."
	}
	return text
}
