package remote

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Extensions that matter to an uploader. Source: OpenSSH's PROTOCOL file.
const (
	extFsync       = "fsync@openssh.com"
	extPosixRename = "posix-rename@openssh.com"
	extStatVFS     = "statvfs@openssh.com"
)

// Capabilities are what a server has been seen to do, not what it says. The zero value promises nothing.
type Capabilities struct {
	Identity      string            `json:"identity"` // of the server that was probed: see Session.Identity
	Banner        string            `json:"banner"`
	Extensions    map[string]string `json:"extensions"`
	Limits        Limits            `json:"limits"`
	Fsync         bool              `json:"fsync"`
	Rename        bool              `json:"rename"`         // plain RENAME to a free name works
	RenameRefuses bool              `json:"rename_refuses"` // plain RENAME refuses a taken name, so it cannot replace anybody's file
	PosixRename   bool              `json:"posix_rename"`   // posix-rename replaces
	SetTimes      bool              `json:"set_times"`
	StatVFS       bool              `json:"statvfs"`
	Hash          string            `json:"hash"` // command that hashes a file at the server; "" where there is none
	ProbedAt      time.Time         `json:"probed_at"`
}

// Banner returns the server's version string, such as SSH-2.0-OpenSSH_9.2.
func (s *Session) Banner() string { return string(s.client.ServerVersion()) }

// Identity names the server as far as its abilities go: it changes when the server's software or set-up does, and
// then what was probed before holds no longer.
func (s *Session) Identity() string {
	h := sha256.New()
	h.Write([]byte(s.Banner()))
	for _, name := range slices.Sorted(maps.Keys(s.mux.extensions)) {
		h.Write([]byte("\x00" + name + "\x00" + s.mux.extensions[name]))
	}
	h.Write([]byte("\x00" + s.target.User + "\x00" + s.target.Root))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Capabilities returns what is known of the server.
func (s *Session) Capabilities() Capabilities { return *s.caps.Load() }

// Use takes over what an earlier session's Probe has found at the same Identity.
func (s *Session) Use(c Capabilities) {
	s.caps.Store(&c)
	s.hash.use(c.Hash)
}

// note changes what is known of the server, after it has refused something.
func (s *Session) note(change func(*Capabilities)) {
	for {
		old := s.caps.Load()
		c := *old
		change(&c)
		if s.caps.CompareAndSwap(old, &c) {
			return
		}
	}
}

// Probe finds out what the server can do, with two small files in the root whose names begin with a dot and end in
// ".part", as an uploader's do; they are removed again. An error of kind Root says that nothing can be written there.
func (s *Session) Probe(ctx context.Context, now time.Time) (Capabilities, error) {
	c := Capabilities{
		Identity: s.Identity(), Banner: s.Banner(), Extensions: s.mux.extensions, Limits: s.limits, ProbedAt: now.UTC(),
	}
	p := probe{session: s, ctx: ctx}
	names := make([]string, 3)
	for i := range names {
		names[i] = s.target.Path(file.PrivateName("dropferry-probe", file.NewID(now), file.TempSuffix))
	}
	first, second, third := names[0], names[1], names[2]
	defer func() {
		for _, name := range names {
			_ = s.Remove(context.WithoutCancel(ctx), name) // not there, or the connection is lost: nothing to add
		}
	}()
	content := []byte(rand.Text())
	c.Fsync = s.has(extFsync)
	if err := p.create(first, content, &c.Fsync); err != nil {
		return Capabilities{}, s.rootError(err)
	}
	if err := p.create(second, nil, &c.Fsync); err != nil {
		return Capabilities{}, s.rootError(err)
	}
	c.RenameRefuses = p.refused(func() error { return s.sftp.Rename(first, second) })
	if p.err == nil && !c.RenameRefuses { // it replaced second: begin again
		if err := p.create(first, content, &c.Fsync); err != nil {
			return Capabilities{}, s.rootError(err)
		}
	}
	c.PosixRename = s.has(extPosixRename) && p.works(func() error { return s.sftp.PosixRename(first, second) })
	source := first
	if c.PosixRename {
		source = second
	}
	c.Rename = p.works(func() error { return s.sftp.Rename(source, third) })
	if c.Rename {
		source = third
	}
	c.SetTimes = p.works(func() error { return s.sftp.Chtimes(source, now, now) })
	c.StatVFS = s.has(extStatVFS) && p.works(func() error { _, err := s.sftp.StatVFS(s.root()); return err })
	if p.err != nil {
		return Capabilities{}, p.err
	}
	c.Hash = s.proveHash(ctx, source, sha256.Sum256(content))
	if err := s.Err(); err != nil {
		return Capabilities{}, s.wrap("probe", s.root(), err)
	}
	s.Use(c)
	return c, nil
}

func (s *Session) has(extension string) bool {
	_, ok := s.mux.extensions[extension]
	return ok
}

// probe makes the requests of a Probe. A refusal is an answer; a lost connection stays in err, and ends it.
type probe struct {
	session *Session
	ctx     context.Context
	err     error
}

// works tells whether a request succeeds.
func (p *probe) works(request func() error) bool {
	if p.err == nil {
		p.err = p.ctx.Err()
	}
	if p.err != nil {
		return false
	}
	err := p.session.do("probe", p.session.root(), 0, request)
	if err != nil && KindOf(err) == Transient {
		p.err = err
	}
	return err == nil
}

// refused tells whether a request is refused by the server.
func (p *probe) refused(request func() error) bool { return !p.works(request) && p.err == nil }

// create writes a small file, and clears fsync where the server refuses to sync it.
func (p *probe) create(name string, content []byte, fsync *bool) error {
	s := p.session
	if err := p.ctx.Err(); err != nil {
		return err
	}
	return s.do("write", name, 0, func() error {
		f, err := s.sftp.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
		if err != nil {
			return err
		}
		if len(content) > 0 {
			_, err = f.Write(content)
		}
		if err == nil && *fsync && f.Sync() != nil {
			*fsync = false
		}
		return errors.Join(err, f.Close())
	})
}
