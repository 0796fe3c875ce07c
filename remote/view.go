package remote

import (
	"context"
	"crypto/sha256"
	"path"

	"github.com/dropferry/dropferry/file"
)

// A command may see other files than SFTP does, where the account is locked into a directory for the one and not for the
// other: under the name of a file of ours there may then stand another one. What SFTP calls /x is then /jail/x for a
// command, and where both begin in the same directory, what is relative to that is the same for both all the same. So the
// probe's proof holds for names of its own kind, absolute or relative; under a relative root it makes a second one for
// absolute names. A temp proves itself, since nobody else has a file of its name.

// inView tells whether what a command says of a remote file is about that file.
func (s *Session) inView(name string) bool {
	switch absolute := path.IsAbs(name); {
	case absolute == path.IsAbs(s.root()), file.IsPrivate(path.Base(name)):
		return true
	case absolute:
		return s.caps.Load().HashAbsolute
	}
	return false
}

// provesAbsolute tells whether a command sees a file of known content under its absolute name too; home is the login
// directory as SFTP calls it.
func (s *Session) provesAbsolute(ctx context.Context, command, home, name string, want [sha256.Size]byte) (bool, error) {
	if command == "" || path.IsAbs(name) || !path.IsAbs(home) {
		return false, nil
	}
	return s.proves(ctx, formOf(command), path.Join(home, name), want)
}
