package agent

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dropferry/dropferry/config"
)

// confined says what the service is kept from that its account could do: who looks here is not.
func (d *doctor) confined() {
	dir := d.config.Agent.StateDir
	switch {
	case d.confine.Hides(unlinked(dir)):
		d.say(Diagnosis{Broken, "state", "", d.ownTmp(dir), "state_dir = \"/var/lib/dropferry\", or another that lasts"})
	case !d.confine.MayWrite(unlinked(dir)):
		d.say(Diagnosis{
			Broken, "state", "", fmt.Sprintf("the unit %s leaves %s read-only, and the agent cannot start", d.service, dir),
			d.words.writeState(d.service, dir),
		})
	}
	for i := range d.config.Folders {
		f := &d.config.Folders[i]
		if d.confine.Hides(unlinked(f.Path)) {
			d.say(Diagnosis{
				Broken, "folder", f.Name, d.ownTmp(f.Path),
				d.words.dropIn(d.service, "PrivateTmp=no"),
			})
		}
	}
}

// writeState lets a service write to its state directory, which is made where it is not there.
func (w words) writeState(name, dir string) string {
	write := w.writePaths(name, nil, dir)
	if isNotThere(dir) {
		return w.makeStateDir(dir) + then + write
	}
	return write
}

func (d *doctor) ownTmp(path string) string {
	return fmt.Sprintf("the unit %s has a /tmp and a /var/tmp of its own, and does not see %s", d.service, config.ShellWord(path))
}

// unlinked returns a path without links, as the system looks at it; what is not there yet stands behind what is.
func unlinked(path string) string {
	there := nearest(path)
	resolved, err := config.Resolved(there)
	if err != nil {
		return path
	}
	return filepath.Join(resolved, strings.TrimPrefix(path, there))
}
