package syncer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/dropferry/dropferry/remote"
)

// fakeServer is an SFTP server without a network, for tests of time and of remnants: files in memory, and what a server
// may lack. What happens on a wire is tested with real sessions.
type fakeServer struct {
	mu    sync.Mutex
	files map[string]fakeFile

	hashes, posix, keepsTimes bool
	writeOnly                 bool // nothing can be read back

	// copies makes what a copy at the server holds; nil is a server that copies nothing.
	copies func(content string) string

	hostKey, identity string
	room              int64 // bytes that a file may have; 0 is any number
	tellsRoom         bool
	sent              int64 // bytes of all uploads
	trip              time.Duration
	limit             int64 // of bandwidth, in bytes per second
	foreseen          int   // patches
	now               func() time.Time

	// refuse is asked before each request and may fail it; cut ends the session.
	refuse func(op, name string, cut func()) error
	dialed func() error // fails a dial
	// moving is the middle of each upload: it may tell of progress, and close the session.
	moving func(tell func(sent int64), f *fakeSession)

	sessions []*fakeSession
}

type fakeFile struct {
	content string
	time    time.Time
	dir     bool
}

func newFakeServer() *fakeServer {
	return &fakeServer{
		files: map[string]fakeFile{}, posix: true, keepsTimes: true, hostKey: "SHA256:server", identity: "server", now: time.Now,
	}
}

func (s *fakeServer) dial(ctx context.Context) (Session, error) {
	s.mu.Lock()
	dialed := s.dialed
	s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if dialed != nil {
		if err := dialed(); err != nil {
			return nil, err
		}
	}
	session := &fakeSession{server: s, done: make(chan struct{})}
	s.mu.Lock()
	s.sessions = append(s.sessions, session)
	s.mu.Unlock()
	return session, nil
}

// closeAll ends all sessions.
func (s *fakeServer) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, session := range s.sessions {
		session.Close()
	}
}

func (s *fakeServer) setRefuse(refuse func(op, name string, cut func()) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

func (s *fakeServer) setDialed(dialed func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dialed = dialed
}

func (s *fakeServer) setProgress(moving func(tell func(sent int64), f *fakeSession)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moving = moving
}

func (s *fakeServer) put(name, content string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[name] = fakeFile{content: content, time: at.Truncate(time.Second)}
}

func (s *fakeServer) content(name string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.files[name]
	return f.content, ok
}

// names returns the files whose names contain part.
func (s *fakeServer) names(part string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.files {
		if strings.Contains(name, part) {
			names = append(names, name)
		}
	}
	return names
}

type fakeSession struct {
	server *fakeServer
	once   sync.Once
	done   chan struct{}
	caps   remote.Capabilities
}

var errCut = errors.New("the connection was cut")

func (f *fakeSession) Close()                                        { f.once.Do(func() { close(f.done) }) }
func (f *fakeSession) Done() <-chan struct{}                         { return f.done }
func (f *fakeSession) HostKey() string                               { return f.server.hostKey }
func (f *fakeSession) RoundTrip() time.Duration                      { return f.server.trip }
func (f *fakeSession) Identity() string                              { return f.server.identity }
func (f *fakeSession) Capabilities() remote.Capabilities             { return f.caps }
func (f *fakeSession) OpenFiles() int                                { return f.caps.OpenFiles() }
func (f *fakeSession) CheckRoot(ctx context.Context) error           { return f.request(ctx, "root", "", nil) }
func (f *fakeSession) Remove(ctx context.Context, name string) error { return f.remove(ctx, name) }

// Use is the last that is asked of a session before the work begins.
func (f *fakeSession) Use(c remote.Capabilities) {
	f.caps = c
	_ = f.request(context.Background(), "use", "", nil)
}

func (f *fakeSession) Err() error {
	select {
	case <-f.done:
		return errCut
	default:
		return nil
	}
}

func (f *fakeSession) Probe(context.Context, time.Time) (remote.Capabilities, error) {
	f.caps = remote.Capabilities{Version: remote.ProbeVersion, PosixRename: f.server.posix, SetTimes: f.server.keepsTimes, RenameRefuses: true}
	return f.caps, nil
}

func problem(op, name string, kind remote.Kind, err error) error {
	return &remote.Error{Op: op, Destination: "acme", Path: name, Kind: kind, Err: err}
}

// request makes one request; do runs under the server's lock.
func (f *fakeSession) request(ctx context.Context, op, name string, do func(files map[string]fakeFile) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.server.mu.Lock()
	refuse := f.server.refuse
	f.server.mu.Unlock()
	if f.Err() == nil && refuse != nil {
		if err := refuse(op, name, f.Close); err != nil {
			return err
		}
	}
	if err := f.Err(); err != nil {
		return problem(op, name, remote.Transient, err)
	}
	if do == nil {
		return nil
	}
	f.server.mu.Lock()
	defer f.server.mu.Unlock()
	return do(f.server.files)
}

func (f *fakeSession) Stat(ctx context.Context, name string) (info remote.Info, err error) {
	err = f.request(ctx, "stat", name, func(files map[string]fakeFile) error {
		file, ok := files[name]
		if !ok {
			return problem("stat", name, remote.Missing, fs.ErrNotExist)
		}
		info = remote.Info{Size: int64(len(file.content)), ModTime: file.time}
		if file.dir {
			info.Mode = fs.ModeDir
		}
		return nil
	})
	return info, err
}

func (f *fakeSession) Hash(ctx context.Context, name string, _ int64) (sum []byte, command string, err error) {
	err = f.request(ctx, "hash", name, func(files map[string]fakeFile) error {
		if !f.server.hashes {
			return problem("hash", name, remote.Unsupported, errors.New("no hash command"))
		}
		h := sha256.Sum256([]byte(files[name].content))
		sum = h[:]
		return nil
	})
	return sum, "sha256sum", err
}

func (f *fakeSession) ReadBack(ctx context.Context, name string) (sum []byte, err error) {
	err = f.request(ctx, "read", name, func(files map[string]fakeFile) error {
		file, ok := files[name]
		switch {
		case !ok:
			return problem("read", name, remote.Missing, fs.ErrNotExist)
		case f.server.writeOnly:
			return problem("read", name, remote.Permission, fs.ErrPermission)
		}
		h := sha256.Sum256([]byte(file.content))
		sum = h[:]
		return nil
	})
	return sum, err
}

func (f *fakeSession) Noting(func(names []string) (done func(), err error)) {}

// Fits tells what fits where the server has a room of its own.
func (f *fakeSession) Fits(ctx context.Context, name string, size int64) error {
	return f.request(ctx, "fits", name, func(map[string]fakeFile) error {
		if f.server.tellsRoom && f.server.room > 0 && size >= f.server.room {
			return problem("put", name, remote.DiskFull, errors.New("the server's disk is full"))
		}
		return nil
	})
}

func (f *fakeSession) SetMode(context.Context, string, fs.FileMode) error { return nil }

func (f *fakeSession) Copy(ctx context.Context, from, temp string, size int64) error {
	if f.server.copies == nil {
		return problem("copy", "", remote.Unsupported, errors.New("no"))
	}
	return f.request(ctx, "copy", temp, func(files map[string]fakeFile) error {
		old, there := files[from]
		content := old.content
		switch {
		case !there:
			return problem("copy", from, remote.Missing, fs.ErrNotExist)
		case int64(len(content)) < size:
			return problem("copy", from, remote.Refused, errors.New("it has changed"))
		}
		files[temp] = fakeFile{content: f.server.copies(content[:min(size, int64(len(content)))])}
		return nil
	})
}

func (f *fakeSession) Limit() int64 { return f.server.limit }

func (f *fakeSession) ForeseePatch(int64) { f.server.foreseen++ }

// Patch makes the copies of a file's parts wrong as those of whole files.
func (f *fakeSession) Patch(ctx context.Context, p remote.Patch, src io.ReaderAt) (written int64, err error) {
	if f.server.copies == nil {
		return 0, problem("copy", p.Temp, remote.Unsupported, errors.New("no"))
	}
	var made strings.Builder
	for part, err := range p.Parts {
		if err != nil {
			return written, err
		}
		err := f.request(ctx, "patch", p.Temp, func(files map[string]fakeFile) error {
			old, there := files[p.Old]
			switch {
			case !there:
				return problem("copy", p.Old, remote.Missing, fs.ErrNotExist)
			case int64(len(old.content)) != p.OldSize:
				return problem("copy", p.Old, remote.Refused, errors.New("it has changed"))
			case part.From >= 0:
				made.WriteString(f.server.copies(old.content[part.From : part.From+part.Length]))
				return nil
			}
			_, err := io.Copy(&made, io.NewSectionReader(src, part.At, part.Length))
			written, f.server.sent = written+part.Length, f.server.sent+part.Length
			return err
		})
		if err != nil {
			return written, err
		}
	}
	return written, f.request(ctx, "patched", p.Temp, func(files map[string]fakeFile) error {
		files[p.Temp] = fakeFile{content: made.String(), time: p.ModTime.Truncate(time.Second)}
		return nil
	})
}

// goOn returns what the temp has below the mark of an upload, and brings the source there.
func (f *fakeSession) goOn(u remote.Upload, src io.Reader) (have string, err error) {
	have, _ = f.server.content(u.Temp)
	if u.From.Offset == 0 || int64(len(have)) < u.From.Offset {
		return "", nil
	}
	_, err = src.(io.Seeker).Seek(u.From.Offset, io.SeekStart)
	return have[:u.From.Offset], err
}

func (f *fakeSession) Upload(ctx context.Context, u remote.Upload, src io.Reader) ([]byte, error) {
	var content []byte
	var err error
	if u.Look != "" {
		if err = f.look(ctx, u); err != nil {
			return nil, err
		}
	}
	err = f.request(ctx, "put", u.Temp, nil)
	f.server.mu.Lock()
	moving := f.server.moving
	f.server.mu.Unlock()
	if err == nil && moving != nil {
		moving(u.Progress, f)
	}
	have := ""
	if err == nil {
		have, err = f.goOn(u, src)
	}
	if err == nil {
		if u.Size != remote.Unknown {
			src = io.LimitReader(src, u.Size)
		}
		content, err = io.ReadAll(src)
	}
	if err == nil && u.Tap != nil {
		u.Tap(int64(len(have)), content)
	}
	if err == nil {
		err = f.take(u.Temp, int64(len(content)))
		content = append([]byte(have), content...)
	}
	at := f.server.now()
	if err == nil && !u.ModTime.IsZero() {
		if err = f.request(ctx, "set time", u.Temp, nil); f.server.keepsTimes {
			at = u.ModTime
		}
	}
	if err == nil {
		err = f.request(ctx, "close", u.Temp, func(files map[string]fakeFile) error {
			files[u.Temp] = fakeFile{content: string(content), time: at.Truncate(time.Second)}
			return nil
		})
	}
	h := sha256.New()
	if have != "" {
		err = errors.Join(err, h.(encoding.BinaryUnmarshaler).UnmarshalBinary(u.From.Hash))
	}
	h.Write(content[len(have):])
	return h.Sum(nil), err
}

// take takes the bytes of an upload, as far as there is room.
func (f *fakeSession) take(name string, n int64) error {
	f.server.mu.Lock()
	defer f.server.mu.Unlock()
	if room := f.server.room; room > 0 && n >= room {
		f.server.sent += room
		return problem("put", name, remote.DiskFull, errors.New("the server's disk is full"))
	}
	f.server.sent += n
	return nil
}

func (f *fakeSession) look(ctx context.Context, u remote.Upload) error {
	info, err := f.Stat(ctx, u.Look)
	switch {
	case err == nil:
		return u.Seen(&info)
	case remote.KindOf(err) == remote.Missing:
		return u.Seen(nil)
	}
	return err
}

func (f *fakeSession) SetModTime(ctx context.Context, name string, at time.Time) error {
	return f.request(ctx, "set time", name, func(files map[string]fakeFile) error {
		if f.server.keepsTimes {
			files[name] = fakeFile{content: files[name].content, time: at.Truncate(time.Second)}
		}
		return nil
	})
}

func (f *fakeSession) Verify(ctx context.Context, name string, size int64, sum []byte, demand remote.Demand) (remote.Info, remote.Evidence, error) {
	info, err := f.Stat(ctx, name)
	switch {
	case err != nil:
		return info, remote.Evidence{}, err
	case info.Size != size:
		return info, remote.Evidence{}, problem("verify", name, remote.Integrity, fmt.Errorf("%d bytes of %d", info.Size, size))
	case demand == remote.Size, demand == remote.Auto && !f.server.hashes:
		return info, remote.Evidence{Kind: remote.SizeOnly}, nil
	case demand == remote.Proof && !f.server.hashes:
		return info, remote.Evidence{}, problem("hash", name, remote.Unsupported, errors.New("no hash command"))
	case !f.server.hashes && f.server.writeOnly:
		return info, remote.Evidence{}, problem("read", name, remote.Permission, fs.ErrPermission)
	}
	content, _ := f.server.content(name)
	if h := sha256.Sum256([]byte(content)); !bytes.Equal(h[:], sum) {
		return info, remote.Evidence{}, problem("verify", name, remote.Integrity, errors.New("other content"))
	}
	if f.server.hashes {
		return info, remote.Evidence{Kind: remote.RemoteHash, Command: "sha256sum"}, nil
	}
	return info, remote.Evidence{Kind: remote.ReadBack}, nil
}

func (f *fakeSession) Publish(ctx context.Context, temp, final string, replace bool) error {
	return f.request(ctx, "rename", final, func(files map[string]fakeFile) error {
		file, ok := files[temp]
		if !ok {
			return problem("rename", final, remote.Missing, fs.ErrNotExist)
		}
		if _, taken := files[final]; taken && !replace {
			return problem("rename", final, remote.Exists, fs.ErrExist)
		}
		delete(files, temp)
		if !f.server.keepsTimes {
			file.time = f.server.now().Truncate(time.Second)
		}
		files[final] = file
		return nil
	})
}

func (f *fakeSession) CheckWrites(ctx context.Context) error {
	return f.request(ctx, "check writes", "", nil)
}

// MakeDir and Rmdir have nothing to do: the server's files stand in no directories.
func (f *fakeSession) MakeDir(ctx context.Context, dir string) error {
	return f.request(ctx, "mkdir", dir, nil)
}

func (f *fakeSession) Rmdir(ctx context.Context, dir string) error {
	return f.request(ctx, "rmdir", dir, nil)
}

func (f *fakeSession) remove(ctx context.Context, name string) error {
	return f.request(ctx, "remove", name, func(files map[string]fakeFile) error {
		delete(files, name)
		return nil
	})
}

// isTemp tells whether a remote name is one of our temps.
func isTemp(name string) bool { return strings.HasPrefix(path.Base(name), ".") }
