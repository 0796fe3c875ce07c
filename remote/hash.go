package remote

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// errNoHash says that the server does not hash.
	errNoHash = errors.New("the server offers no hash command to this account")
	// errNoDigest says that it does, but not this file.
	errNoDigest = errors.New("the hash command gave no digest of the file")
)

// hasher runs hash commands, one at a time; files that come while one runs share the next. It has no
// goroutine of its own: the caller whose turn it is runs the command for all that wait.
type hasher struct {
	mu      sync.Mutex
	command string // the name of its form
	waiting []*hashRequest
	running bool
	last    int           // files of the last command
	took    time.Duration // by it
	sending atomic.Int32  // files that are being sent, and may have to be hashed then
}

type hashRequest struct {
	name string
	size int64
	sum  []byte
	err  error
	turn chan struct{} // this request's caller is to run the next command
	done chan struct{}
}

func (h *hasher) use(command string) {
	h.mu.Lock()
	h.command = command
	h.mu.Unlock()
}

// form returns the name of the command's form; "" where commands hash nothing.
func (h *hasher) form() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.command
}

// Hash returns the SHA-256 of a remote file, computed at the server, and what did it: a command, or check-file-name or
// check-file-handle, the requests of SFTP's. size bounds the time. An error of kind Unsupported says that the server does
// not hash.
func (s *Session) Hash(ctx context.Context, name string, size int64) (sum []byte, means string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	err = s.wrap("hash", name, errNoHash)
	if s.inView(name) {
		sum, means, err = s.hashByCommand(name, size)
	}
	if form := s.caps.Load().CheckFile; form != "" && Unsupported.is(err) {
		sum, err = s.checkFile(ctx, form, name, size)
		return sum, form, err
	}
	return sum, means, err
}

// disbelieve has a means of Hash not used again, after reading back has shown that it tells something else than SFTP.
func (s *Session) disbelieve(means string) {
	if isCheckFile(means) {
		s.note(func(c *Capabilities) { c.CheckFile = "" })
		return
	}
	s.hash.use("")
}

func (s *Session) hashByCommand(name string, size int64) (sum []byte, command string, err error) {
	h := &s.hash
	h.mu.Lock()
	command = h.command
	if command == "" || strings.ContainsRune(name, 0) {
		h.mu.Unlock()
		return nil, "", s.wrap("hash", name, errNoHash)
	}
	r := &hashRequest{name: name, size: size, turn: make(chan struct{}, 1), done: make(chan struct{})}
	h.waiting = append(h.waiting, r)
	if !h.running {
		h.running = true
		r.turn <- struct{}{}
	}
	h.mu.Unlock()
	select {
	case <-r.turn:
		s.hashWaiting(formOf(command))
	case <-r.done:
	}
	if r.err != nil {
		return nil, "", s.wrap("hash", name, r.err)
	}
	return r.sum, command, nil
}

// hashWaiting hashes the files that wait, the caller's first among them, and passes the turn on to one that is left or
// has come meanwhile.
func (s *Session) hashWaiting(form hashForm) {
	h := &s.hash
	h.gather(s.RoundTrip(), form.most)
	h.mu.Lock()
	n := min(len(h.waiting), form.most)
	batch := h.waiting[:n:n]
	h.waiting = h.waiting[n:]
	h.mu.Unlock()
	began := time.Now()
	s.hashBatch(form, batch)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.took = n, time.Since(began)
	if len(h.waiting) == 0 {
		h.running = false
		h.waiting = nil
		return
	}
	h.waiting[0].turn <- struct{}{}
}

// A command costs the server several processes, whatever the number of its files.
const (
	longestStep      = 20 * time.Millisecond
	longestGathering = 200 * time.Millisecond // the longest wait for more files that one command can hash
)

// gather waits as long as more files come that the next command can hash: those that were sent together come together, but
// for a moment. A file that comes alone over a short line does not wait. Over one, the processor is what limits: while other files are
// being sent, they are waited for as long as the last command took, so that commands cost no more time than they leave.
func (h *hasher) gather(trip time.Duration, most int) {
	step := min(trip/4, longestStep)
	if trip < spareFrom {
		step = spareFrom
	}
	began := time.Now()
	for had := 0; ; {
		n, took, last := h.waits()
		waited := time.Since(began)
		grows := n > had && (had > 0 || last > 1 || trip >= spareFrom)
		comes := trip < spareFrom && h.sending.Load() > 0 && waited < took
		if n >= most || waited > longestGathering || !grows && !comes {
			return
		}
		had = n
		time.Sleep(step)
	}
}

// waits returns how many files wait, and how long the last command took with how many.
func (h *hasher) waits() (n int, took time.Duration, last int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.waiting), h.took, h.last
}

// hashBatch hashes the files of a batch with one command. A name with a newline never shares a command: its second line
// could pass for another file's digest.
func (s *Session) hashBatch(form hashForm, batch []*hashRequest) {
	var together []*hashRequest
	for _, r := range batch {
		switch {
		case !form.takes(r.name):
			r.settle(nil, errNoDigest)
		case strings.ContainsRune(r.name, '\n'):
			s.hashTogether(form, []*hashRequest{r})
		default:
			together = append(together, r)
		}
	}
	s.hashTogether(form, together)
}

// hashTogether looks for the files that the command has nothing to say of by halves, where there are any; or asks once
// more for those alone, where the command says which they are.
func (s *Session) hashTogether(form hashForm, batch []*hashRequest) {
	if len(batch) == 0 {
		return
	}
	var size int64
	for _, r := range batch {
		size += r.size
	}
	sums, err := s.runHash(form, batch, s.hashLimit(size))
	if sums == nil && (err == nil || errors.Is(err, errTooLong)) && len(batch) > 1 {
		half := len(batch) / 2
		s.hashTogether(form, batch[:half])
		s.hashTogether(form, batch[half:])
		return
	}
	var left []*hashRequest
	for i, r := range batch {
		switch {
		case err != nil && !errors.Is(err, errTooLong):
			r.settle(nil, err)
		case i < len(sums) && sums[i] != nil:
			r.settle(sums[i], nil)
		default:
			left = append(left, r)
		}
	}
	if len(left) < len(batch) {
		s.hashTogether(form, left)
		return
	}
	for _, r := range left {
		r.settle(nil, errNoDigest)
	}
}

func (r *hashRequest) settle(sum []byte, err error) {
	r.sum, r.err = sum, err
	close(r.done)
}

// runHash returns the digests of the batch in its order, nil where the output does not tell which is whose.
func (s *Session) runHash(form hashForm, batch []*hashRequest, limit time.Duration) ([][]byte, error) {
	names := make([]string, len(batch))
	for i, r := range batch {
		names[i] = r.name
	}
	line, input, err := form.command(names)
	if err != nil {
		return nil, err
	}
	out, err := s.exec(line, input, limit)
	if errors.Is(err, errHung) {
		s.hash.use("") // the next would wait as long
	}
	if err != nil {
		return nil, err
	}
	return form.parse(out, len(batch)), nil
}

// hashLimit bounds a hash command. It is far less than what the protocol's own requests get: commands hang for reasons of
// their own, such as a profile that waits for something, and then there are other ways to verify a file.
func (s *Session) hashLimit(size int64) time.Duration {
	return time.Minute + 2*s.target.StallTimeout + time.Duration(size/(20<<20))*time.Second
}
