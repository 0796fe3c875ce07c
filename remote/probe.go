package remote

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"

	"github.com/dropferry/dropferry/file"
)

// Probe finds out what the server can do, with small files in the root whose names begin with a dot and end in ".part",
// as an uploader's do; they are removed again. An error of kind Root says that nothing can be written there.
//
// It asks for many things at once: that saves round trips, and is itself the proof that the server bears it. Where the
// session ends meanwhile, Capabilities tells so afterwards, and the next session's Probe, having been given that by Use, asks
// one thing at a time and makes the experiment last. Where it ends again, the server counts as one that bears one
// request at a time.
func (s *Session) Probe(ctx context.Context, now time.Time) (Capabilities, error) {
	before := s.Capabilities()
	cut := before.ProbeCuts > 0
	serial := cut || s.bound(aboutRequests) == 1
	c, err := s.probe(ctx, now, serial)
	if err == nil && !serial && c.InFlight == 1 {
		c, err = s.probe(ctx, now, true) // what was asked for in between may have had wrong answers too
		c.InFlight = 1
	}
	if err == nil && cut {
		c.InFlight, c.ProbeCuts = 1, 0
		s.Use(c) // should the session end now, that is how it stays
		c.InFlight = 0
		s.mux.flying.limit(s.bound(aboutRequests))
		if err = s.experiment(ctx, now, &c); err != nil && !s.lostItself() {
			return Capabilities{}, err
		}
	}
	if err != nil {
		return Capabilities{}, err
	}
	s.Use(c)
	return c, nil
}

// lostItself tells whether the session has ended without this side's doing.
func (s *Session) lostItself() bool { return s.Err() != nil && s.lost }

// experiment asks a server for several things at once of which the answers are known. It makes no file, since nobody would
// remove it.
func (s *Session) experiment(ctx context.Context, now time.Time, c *Capabilities) error {
	p := s.newProbe(ctx, now)
	p.there, p.size = s.root(), anySize
	p.burst()
	p.judgeBurst()
	c.InFlight = p.found.InFlight
	return p.err
}

// probe is Probe with everything at once, or one thing at a time.
func (s *Session) probe(ctx context.Context, now time.Time, serial bool) (Capabilities, error) {
	s.mux.flying.limit(s.bound(aboutRequests))
	if serial {
		s.mux.flying.limit(1)
	}
	p := s.newProbe(ctx, now)
	done, err := s.reserve(p.names()...)
	if err != nil {
		return Capabilities{}, err
	}
	err = p.run(now, serial)
	if p.remove() {
		done()
	}
	if err != nil && s.Err() != nil {
		s.note(func(c *Capabilities) {
			c.Identity, c.Left = s.Identity(), append(slices.Clone(c.Left), p.names()...)
			c.Left = c.Left[max(0, len(c.Left)-mostLeft):]
			if !serial && s.lostItself() {
				c.ProbeCuts++
			}
		})
	}
	return p.found, err
}

// mostLeft is how many names of files are kept that probes may have left.
const mostLeft = 64

// probe makes the requests of a Probe. A refusal is an answer; anything else stays in err, and ends it.
type probe struct {
	session *Session
	ctx     context.Context //nolint:containedctx // it lives no longer than the call

	// proof and source have known content, target and accented are empty, and nothing has the name free or missing yet.
	proof, source, target *probeFile
	accented              *probeFile
	free, missing         string
	content               []byte

	looks []look // of the burst
	there string // what it looks at, besides missing
	size  int64  // of it

	mu    sync.Mutex
	found Capabilities
	err   error
}

// probeFile is a file that a probe makes.
type probeFile struct {
	name    string
	content []byte
	handle  *sftp.File // while it is open
	err     error      // of opening it
}

// probeName returns a name of its own in the target's root, for a file that the session makes and removes again.
func (s *Session) probeName(now time.Time) string {
	return s.target.Path(file.PrivateName("dropferry-probe", file.NewID(now), file.TempSuffix))
}

func (s *Session) newProbe(ctx context.Context, now time.Time) *probe {
	content := []byte(rand.Text())
	name := func() string { return s.probeName(now) }
	before := s.caps.Load()
	p := &probe{
		session: s, ctx: ctx, content: content, free: name(), missing: name(),
		proof:  &probeFile{name: name(), content: content},
		source: &probeFile{name: name(), content: content},
		target: &probeFile{name: name()}, accented: &probeFile{name: s.target.Path(file.PrivateName(composed, file.NewID(now), file.TempSuffix))},
		found: Capabilities{
			Version: ProbeVersion, Identity: s.Identity(), Banner: s.Banner(), Extensions: maps.Clone(s.mux.extensions), Limits: s.limits,
			Fsync: s.syncs(), RefusesMode: !s.uses(aboutMode), Profile: s.profile.name, ProfileBy: s.profileBy, ProbedAt: now.UTC(),
			LargeWrites: before.LargeWrites, LargeCuts: before.LargeCuts, LargeCutAt: before.LargeCutAt,
			ConnectionsRefused: before.ConnectionsRefused, ConnectionsUseless: before.ConnectionsUseless,
		},
	}
	p.there, p.size = p.proof.name, int64(len(content))
	return p
}

// together runs functions at once and waits for them.
func together(fs ...func()) {
	var running sync.WaitGroup
	for _, f := range fs {
		running.Go(f)
	}
	running.Wait()
}

// fail keeps the first error.
func (p *probe) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
}

// failed returns it, or that the call is to end.
func (p *probe) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = p.ctx.Err()
	}
	return p.err
}

// run fills in what is found. What several functions at once find, each has a field of its own for.
func (p *probe) run(now time.Time, serial bool) error {
	s, c := p.session, &p.found
	var home string
	together(
		p.makeFiles,
		func() { c.StatVFS = s.mux.has(extStatVFS) && p.works(p.statVFS) },
		func() { _ = p.works(func() (err error) { home, err = s.sftp.RealPath("."); return err }) },
	)
	if p.failed() != nil {
		return s.rootError(s.diskFull(p.ctx, p.err))
	}
	want := sha256.Sum256(p.content)
	prove := func(found *string, err error) {
		if err != nil {
			*found = ""
			p.fail(err)
		}
	}
	together(
		p.renames,
		func() { c.FoldsCase = p.isThere(upper(p.proof.name)) },
		func() {
			if !serial {
				p.burst()
				return
			}
			p.lookOnce()
		},
		func() {
			if !s.uses(aboutCommands) {
				return
			}
			var err error
			c.Hash, err = s.proveHash(p.ctx, p.proof.name, want, isWindows(s.Banner(), home))
			prove(&c.Hash, err)
			c.HashAbsolute, err = s.provesAbsolute(p.ctx, c.Hash, home, p.proof.name, want)
			prove(&c.Hash, err)
		},
		func() {
			if !s.uses(aboutCheckFile) {
				return
			}
			var err error
			c.CheckFile, err = s.proveCheckFile(p.ctx, p.proof.name, want)
			prove(&c.CheckFile, err)
		},
	)
	if !serial {
		p.judgeBurst()
	}
	c.FoldsForm = p.foldsForm() // when nothing else is open
	// Last, since some servers discard a file for that.
	c.SetTimes = s.uses(aboutTimes) && p.works(func() error { return s.sftp.Chtimes(p.proof.name, now, now) })
	return p.failed()
}

// syncs tells whether files are synced as far as the server announces it.
func (s *Session) syncs() bool { return s.mux.has(extFsync) && s.uses(aboutFsync) }

func (p *probe) statVFS() error {
	_, err := p.session.sftp.StatVFS(p.session.root())
	return err
}

// works makes a request that the server may refuse.
func (p *probe) works(request func() error) bool {
	if p.failed() != nil {
		return false
	}
	err := p.session.do("probe", p.session.root(), request)
	if Transient.is(err) {
		p.fail(err)
	}
	return err == nil
}

// renames finds out how renames behave. The file of known content goes from name to name.
func (p *probe) renames() {
	s, c := p.session, &p.found
	first, second := p.source.name, p.target.name
	if c.RenameRefuses = !p.works(func() error { return s.sftp.Rename(first, second) }); !c.RenameRefuses {
		p.put(p.source) // it has replaced second: begin again
	}
	c.PosixRename = s.mux.has(extPosixRename) && s.uses(aboutPosix) && p.works(func() error { return s.sftp.PosixRename(first, second) })
	source := first
	if c.PosixRename {
		source = second
	}
	c.Rename = p.works(func() error { return s.sftp.Rename(source, p.free) })
}

// makeFiles makes all files at once, and finds out whether so many may be open together.
func (p *probe) makeFiles() {
	files := []*probeFile{p.proof, p.source, p.target}
	if n := p.session.bound(aboutFiles); n > 0 && n < len(files) {
		for _, f := range files {
			if p.failed() == nil {
				p.put(f)
			}
		}
		return
	}
	opening, filling := make([]func(), 0, len(files)), make([]func(), 0, len(files))
	for _, f := range files {
		opening = append(opening, func() { p.open(f, os.O_WRONLY|os.O_CREATE|os.O_TRUNC) })
	}
	together(opening...)
	var refused []*probeFile
	for _, f := range files {
		if f.err != nil {
			refused = append(refused, f)
			continue
		}
		filling = append(filling, func() { p.fill(f) })
	}
	together(filling...)
	for _, f := range refused {
		if p.failed() == nil {
			p.put(f)
		}
	}
	if len(refused) > 0 && p.failed() == nil {
		p.found.MaxOpen = p.mostOpen(files)
	}
}

// mostOpen returns how many of the files can be open at once; 0 where all of them can after all, so that it was something
// else that was refused before.
func (p *probe) mostOpen(files []*probeFile) int {
	opened := 0
	for _, f := range files {
		if p.open(f, os.O_WRONLY); f.err != nil {
			break
		}
		opened++
	}
	for _, f := range files[:opened] {
		p.close(f)
	}
	if opened == len(files) || p.failed() != nil {
		return 0
	}
	return max(opened, 1)
}

// put makes a file on its own.
func (p *probe) put(f *probeFile) {
	if p.open(f, os.O_WRONLY|os.O_CREATE|os.O_TRUNC); f.err != nil {
		p.fail(f.err)
		return
	}
	p.fill(f)
}

// open opens a file. A refusal is the file's: more of them than the server allows may be open.
func (p *probe) open(f *probeFile, flags int) {
	if f.err = p.failed(); f.err != nil {
		return
	}
	s := p.session
	f.err = s.do("write", f.name, func() (err error) {
		f.handle, err = s.sftp.OpenFile(f.name, flags)
		return err
	})
	if Transient.is(f.err) {
		p.fail(f.err)
	}
}

// fill writes and closes an open file, and notes where the server refuses to sync it.
func (p *probe) fill(f *probeFile) {
	s := p.session
	var err error
	if len(f.content) > 0 {
		err = s.do("write", f.name, func() error { _, err := f.handle.Write(f.content); return err })
	}
	if err == nil && s.syncs() {
		if err = s.do("write", f.name, f.handle.Sync); err != nil && !Transient.is(err) {
			p.mu.Lock()
			p.found.Fsync = false
			p.mu.Unlock()
			err = nil
		}
	}
	if closeErr := s.do("write", f.name, f.handle.Close); err == nil {
		err = closeErr
	}
	if err != nil {
		p.fail(err)
	}
}

func (p *probe) close(f *probeFile) {
	if err := p.session.do("write", f.name, f.handle.Close); err != nil {
		p.fail(err)
	}
}

// names returns those of the files that the probe makes.
func (p *probe) names() []string {
	return []string{p.proof.name, p.source.name, p.target.name, p.free, p.accented.name}
}

// remove removes whatever the probe may have left, and the one before it that was cut. It returns false where something may
// be left now.
func (p *probe) remove() bool {
	var removing []func()
	var left atomic.Bool
	for _, name := range append(p.names(), p.session.caps.Load().Left...) {
		removing = append(removing, func() {
			ctx := context.WithoutCancel(p.ctx)
			if p.session.Remove(ctx, name) != nil && !p.session.isMissing(ctx, name) {
				left.Store(true)
			}
		})
	}
	together(removing...)
	return !left.Load()
}
