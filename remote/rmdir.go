package remote

import "context"

// Rmdir removes one directory if it is empty. That it is gone already is no error; one that is not empty is refused, with
// whatever word the server has for that.
func (s *Session) Rmdir(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.forgetDirs() // before, too: what is looked up meanwhile must not be remembered
	err := s.do("rmdir", name, func() error {
		reply, err := s.mux.call(packetRmdir, appendString(nil, name))
		if err != nil {
			return err
		}
		return parseStatus(reply)
	})
	s.forgetDirs()
	if Missing.is(err) {
		return nil
	}
	return err
}
