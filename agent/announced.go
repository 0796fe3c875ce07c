package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
)

// announcedName is the file in the state directory with the host keys that servers say they have: in the form of known_hosts, and never read as that.
const announcedName = "announced_hosts"

// announcing keeps two destinations from writing the file at once.
var announcing sync.Mutex

// announced returns what hears of the keys that a destination's server announces: it writes them down, and says once of
// each that will take the place of a trusted one.
func announced(c *config.Config, d *config.Destination, log *slog.Logger) func([]remote.Key) {
	return func(keys []remote.Key) {
		announcing.Lock()
		defer announcing.Unlock()
		before, err := announcedKeys(c, d)
		if err == nil && !sameKeys(before, keys) {
			err = writeAnnounced(c, d, keys)
			for _, text := range keyWarnings(c, d) {
				log.Warn("a host key is going to change", "destination", d.Name, "reason", Typed(text, namedFile(c)))
			}
		}
		if err != nil {
			log.Warn("the host keys that a server announces cannot be written down", "destination", d.Name, "error", err)
		}
	}
}

func sameKeys(x, y []remote.Key) bool {
	return slices.EqualFunc(x, y, func(a, b remote.Key) bool { return a.Fingerprint == b.Fingerprint })
}

// writeAnnounced replaces what is written of a destination's server.
func writeAnnounced(c *config.Config, d *config.Destination, keys []remote.Key) error {
	target := accountOf(c, d)
	name := filepath.Join(c.Agent.StateDir, announcedName)
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var text strings.Builder
	for line := range strings.Lines(string(old)) {
		if host, _, ok := remote.ParseKnownKey([]byte(line)); ok && host != target.KnownAs() {
			text.WriteString(line)
		}
	}
	for _, k := range keys {
		text.WriteString(target.KnownLine(k) + "\n")
	}
	return writeFileAs(c, name, []byte(text.String()))
}

// announcedKeys returns the keys that a destination's server has said, in a session with a trusted one, that it has. It has
// proved that it has them; of those that are not trusted, nobody has said that they are right.
func announcedKeys(c *config.Config, d *config.Destination) ([]remote.Key, error) {
	text, err := os.ReadFile(filepath.Join(c.Agent.StateDir, announcedName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read announced host keys: %w", err)
	}
	target := accountOf(c, d)
	var keys []remote.Key
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, target.KnownAs()+" ") { // a status asks for each destination: keys of others are not even parsed
			continue
		}
		if _, key, ok := remote.ParseKnownKey([]byte(line)); ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// parted parts the announced keys in those that are trusted and those that are not.
func parted(c *config.Config, d *config.Destination) (trusted, others []remote.Key, err error) {
	keys, err := announcedKeys(c, d)
	if err != nil || len(keys) == 0 {
		return nil, nil, err
	}
	target := accountOf(c, d)
	known, err := trustedBy(&target)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range keys {
		if slices.Contains(known, k.Fingerprint) {
			trusted = append(trusted, k)
		} else {
			others = append(others, k)
		}
	}
	return trusted, others, nil
}

// keyWarnings tells of announced keys that will take the place of a trusted one: they are of its type. Further types are what most
// servers have.
func keyWarnings(c *config.Config, d *config.Destination) []string {
	trusted, others, err := parted(c, d)
	if err != nil {
		return nil // the next dial will say why
	}
	target := accountOf(c, d)
	var all []string
	for _, k := range others {
		if !slices.ContainsFunc(trusted, func(t remote.Key) bool { return t.Type == k.Type }) {
			continue
		}
		how := fmt.Sprintf("accept it with: dropferry trust %s --fingerprint %s", d.Name, k.Fingerprint)
		switch {
		case len(d.HostKey) > 0:
			how = fmt.Sprintf("after asking its owner, add %q to host_key", k.Fingerprint)
		case d.KnownHosts != "":
			how = fmt.Sprintf("after asking its owner, add to %s: %s", d.KnownHosts, target.KnownLine(k))
		}
		all = append(all, fmt.Sprintf("the server announces the host key %s and will change to it; %s", k, how))
	}
	return all
}

// AnnouncedOnly returns the announced keys that are not trusted.
func AnnouncedOnly(c *config.Config, d *config.Destination) ([]remote.Key, error) {
	_, others, err := parted(c, d)
	return others, err
}
