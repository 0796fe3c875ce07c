package remote

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
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
	extLimits      = "limits@openssh.com"
)

// extensionData is what each of them is announced with. Under other data stands another version: like OpenSSH's client,
// this one does without.
var extensionData = map[string]string{extFsync: "1", extPosixRename: "1", extStatVFS: "2", extLimits: "1"}

// has tells whether the server announces an extension in the version that is known here.
func (m *mux) has(extension string) bool {
	data, ok := m.extensions[extension]
	return ok && data == extensionData[extension]
}

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

// Probe finds out what the server can do, with three small files in the root whose names begin with a dot and end in
// ".part", as an uploader's do; they are removed again. An error of kind Root says that nothing can be written there.
func (s *Session) Probe(ctx context.Context, now time.Time) (Capabilities, error) {
	p := probe{session: s, ctx: ctx, content: []byte(rand.Text()), found: Capabilities{
		Identity: s.Identity(), Banner: s.Banner(), Extensions: maps.Clone(s.mux.extensions), Limits: s.limits,
		Fsync: s.mux.has(extFsync), ProbedAt: now.UTC(),
	}}
	for i := range p.names {
		p.names[i] = s.target.Path(file.PrivateName("dropferry-probe", file.NewID(now), file.TempSuffix))
	}
	err := p.run(now)
	for _, name := range p.names {
		_ = s.Remove(context.WithoutCancel(ctx), name) // refused, or the connection is lost: nothing to add
	}
	if err != nil {
		return Capabilities{}, err
	}
	s.Use(p.found)
	return p.found, nil
}

// probe makes the requests of a Probe. A refusal is an answer; anything else stays in err, and ends it.
type probe struct {
	session *Session
	ctx     context.Context //nolint:containedctx // it lives no longer than the call
	names   [3]string
	content []byte
	found   Capabilities
	err     error
}

// run fills in what is found. The file of known content goes from name to name; setting its time comes last, since
// some servers discard a file for that.
func (p *probe) run(now time.Time) error {
	s, c := p.session, &p.found
	first, second, third := p.names[0], p.names[1], p.names[2]
	p.create(first, p.content)
	p.create(second, nil)
	if p.err != nil {
		return s.rootError(s.diskFull(p.ctx, p.err))
	}
	if c.RenameRefuses = !p.works(func() error { return s.sftp.Rename(first, second) }); !c.RenameRefuses {
		p.create(first, p.content) // it has replaced second: begin again
	}
	c.PosixRename = s.mux.has(extPosixRename) && p.works(func() error { return s.sftp.PosixRename(first, second) })
	source := first
	if c.PosixRename {
		source = second
	}
	if c.Rename = p.works(func() error { return s.sftp.Rename(source, third) }); c.Rename {
		source = third
	}
	c.StatVFS = s.mux.has(extStatVFS) && p.works(func() error { _, err := s.sftp.StatVFS(s.root()); return err })
	if p.err == nil {
		c.Hash, p.err = s.proveHash(p.ctx, source, sha256.Sum256(p.content))
	}
	c.SetTimes = p.works(func() error { return s.sftp.Chtimes(source, now, now) })
	return p.err
}

// works tells whether a request succeeds.
func (p *probe) works(request func() error) bool {
	if p.err == nil {
		p.err = p.ctx.Err()
	}
	if p.err != nil {
		return false
	}
	err := p.session.do("probe", p.session.root(), request)
	if Transient.is(err) {
		p.err = err
	}
	return err == nil
}

// create writes a small file, and notes where the server refuses to sync it.
func (p *probe) create(name string, content []byte) {
	if p.err == nil {
		p.err = p.ctx.Err()
	}
	if p.err != nil {
		return
	}
	s := p.session
	p.err = s.do("write", name, func() error {
		f, err := s.sftp.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
		if err != nil {
			return err
		}
		if len(content) > 0 {
			_, err = f.Write(content)
		}
		if err == nil && p.found.Fsync && f.Sync() != nil {
			p.found.Fsync = false
		}
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		return err
	})
}
