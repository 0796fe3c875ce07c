package remote

import (
	"context"

	"github.com/pkg/sftp"
)

// typeBits is where a mode says what kind of file it is of: S_IFMT of POSIX's sys/stat.h. An Info without them may come of
// a server that tells no mode at all, since version 3 of the protocol lets it leave that out.
const typeBits = 0o170000

// TellsMode tells whether the server says who may do what with a file, so that no permissions mean none.
func (s *Session) TellsMode(ctx context.Context, name string) (told bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	err = s.do("stat", name, func() error {
		fi, err := s.sftp.Lstat(name)
		if err != nil {
			return err
		}
		attributes, ok := fi.Sys().(*sftp.FileStat)
		told = ok && attributes.Mode&typeBits != 0
		return nil
	})
	return told, err
}
