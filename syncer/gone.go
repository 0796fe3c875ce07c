package syncer

import (
	"os"

	"github.com/dropferry/dropferry/file"
)

// hasLeft tells whether a file that is not found has left the folder at root. Where the file system that it lay on does
// not show, because it is not mounted, nothing is known of the file: what was delivered must not be forgotten, or all of it
// would be sent again when the file system is back.
func hasLeft(root string, p file.Path, was file.Fingerprint) bool {
	for dir := p.Dir(); ; dir = dir.Dir() {
		now, err := ofDirectory(dir.In(root))
		switch {
		case err == nil:
			return was.Dev == 0 || now.Dev == 0 || now.Dev == was.Dev
		case !isNotThere(err), dir == "":
			return false
		}
	}
}

// ofDirectory returns the fingerprint of a directory, links followed.
func ofDirectory(name string) (file.Fingerprint, error) {
	d, err := os.Open(name)
	if err != nil {
		return file.Fingerprint{}, err
	}
	defer d.Close() //nolint:errcheck // opened for reading
	return file.OfHandle(d)
}
