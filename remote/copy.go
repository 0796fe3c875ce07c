package remote

import "context"

// extCopyData copies ranges between two files at the server. Source: draft-ietf-secsh-filexfer-extensions-00, section 7;
// OpenSSH has it since 9.0.
const extCopyData = "copy-data"

// Flags of OPEN in SFTP version 3, draft-ietf-secsh-filexfer-02 section 6.3.
const (
	openRead     = 0x01
	openWrite    = 0x02
	openCreate   = 0x08
	openTruncate = 0x10
)

// How much one request copies: the server does nothing else on the channel meanwhile, which matters where others use it too.
const (
	copyStep       = 16 << 20
	copyStepShared = 4 << 20
)

// Copy makes temp a copy of another file at the server, of which it knows the size. It is a Patch that writes nothing, with
// that one's errors, and proves as little.
func (s *Session) Copy(ctx context.Context, from, temp string, size int64) error {
	_, err := s.Patch(ctx, Patch{Old: from, OldSize: size, Temp: temp, Size: size, Parts: PartsOf(Part{0, size, 0})}, nil)
	return err
}

// Hashes tells whether the server can prove content without sending it back.
func (c *Capabilities) Hashes() bool { return c.Hash != "" || c.CheckFile != "" }

// Copies tells whether the server can copy files.
func (c *Capabilities) Copies() bool { return c.Extensions[extCopyData] == "1" }

// Limit returns how many bytes of content may pass in a second; 0 is any number.
func (s *Session) Limit() int64 { return s.limit() }

// openHandle opens a remote file for requests that pkg/sftp does not know.
func (s *Session) openHandle(op, name string, flags uint32) (handle string, err error) {
	err = s.fly(&s.lane, name, false, 0, openRequest(op, name, flags, &handle))
	return handle, err
}

func (s *Session) closeHandle(name, handle string) error {
	return s.fly(&s.lane, name, false, 0, closeRequest(handle))
}
