package remote

import (
	"fmt"
	"strings"
)

// longestName is how many bytes a name may have on common file systems; version 3 of the protocol has no status for a longer one.
const longestName = 255

// tooLong words the refusal of a path that has a name which is too long; nil where none is.
func tooLong(name string, err error) error {
	for element := range strings.SplitSeq(name, "/") {
		if len(element) > longestName {
			return fmt.Errorf("%w: a name has %d bytes, and file systems take at most %d", err, len(element), longestName)
		}
	}
	return nil
}

const hintTooLong = "give the file, or its directory, a shorter name, or let `to` add less to it"
