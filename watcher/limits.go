package watcher

import (
	"fmt"
	"time"
)

// limitReason says in a sentence that a person can act on why a folder cannot be watched: missed directories of it, which
// alone are polled then, or all of it where missed is 0.
func limitReason(root string, missed int, err error, every time.Duration) string {
	what, folders := root+" is", "folders"
	switch {
	case missed == 1:
		what, folders = "that one is", "folder"
	case missed > 1:
		what = "those are"
	}
	until := fmt.Sprintf("Until then %s scanned every %g s.", what, every.Seconds())
	if limit, ok := knownLimit(err, missed == 0); ok {
		if missed == 0 {
			return fmt.Sprintf("Cannot watch %s: %s %s", root, limit, until)
		}
		return fmt.Sprintf("Cannot watch %d more %s under %s: %s %s", missed, folders, root, limit, until)
	}
	if missed == 0 {
		return fmt.Sprintf("Cannot watch %s: %v. %s", root, err, until)
	}
	return fmt.Sprintf("Cannot watch %d %s under %s, the first: %v. %s", missed, folders, root, err, until)
}
