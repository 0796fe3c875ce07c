package watcher

import (
	"fmt"
	"time"
)

// limitReason says in a sentence that a person can act on why a folder cannot be watched: missed directories of it, or
// all of it where missed is 0.
func limitReason(root string, missed int, err error, every time.Duration) string {
	until := fmt.Sprintf("Until then %s is scanned every %g s.", root, every.Seconds())
	if limit, ok := knownLimit(err, missed == 0); ok {
		if missed == 0 {
			return fmt.Sprintf("Cannot watch %s: %s %s", root, limit, until)
		}
		return fmt.Sprintf("Cannot watch %d more folders under %s: %s %s", missed, root, limit, until)
	}
	if missed == 0 {
		return fmt.Sprintf("Cannot watch %s: %v. %s", root, err, until)
	}
	return fmt.Sprintf("Cannot watch %d folders under %s, the first: %v. %s", missed, root, err, until)
}
