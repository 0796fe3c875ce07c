package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// meterCommand is the first argument with which this binary is not the benchmark but a meter: a small process that
// starts one command and accounts for it. A process of its own is needed twice over. It adopts what the command leaves
// behind, so that no ssh escapes whose parent did not wait for it; and a command begins with its parent's peak memory
// (see the kernel's exec_mmap), which a meter keeps small.
const meterCommand = "meter"

// reading is what a meter tells.
type reading struct {
	Wall    time.Duration // from the start of the process to its end
	CPU     time.Duration // user and system, of it and all that descends from it
	PeakRSS int64         // bytes, of that one of its processes that had most
	Cut     bool          // it was killed at the limit
	Fault   string        // how it ended, if not well
	Said    string        // the last line that it wrote
}

// meterMain is the meter: LIMIT PROGRAM ARGUMENT... It writes the number of the process and, when that has ended, its
// reading, both as JSON, to descriptor 3. The end of standard input is the end of the benchmark, and the command's.
func meterMain(args []string) int {
	limit, err := time.ParseDuration(args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	left := make(chan struct{})
	go func() { // ends with the process
		defer close(left)
		_, _ = io.Copy(io.Discard, os.Stdin) // any end is the end
	}()
	out := os.NewFile(3, "reading")
	r, err := account(args[1:], limit, left, func(pid int) error { return json.NewEncoder(out).Encode(pid) })
	if err != nil {
		r.Fault = err.Error()
	}
	if err := errors.Join(json.NewEncoder(out).Encode(r), out.Close()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// meter runs commands under meters.
type meter struct {
	self string   // this binary
	env  []string // of the commands
}

// meterGrace is for a meter to kill and to report.
const meterGrace = 15 * time.Second

// metered is a command that runs under a meter. wait has to be called.
type metered struct {
	pid     int // of the command
	command *exec.Cmd
	name    string
	ctx     context.Context
	cancel  context.CancelFunc
	letGo   func() error // ends the meter and the command
	out     *os.File
	told    *json.Decoder
	said    tail
}

// start starts a command, which may take as long as the limit. Where it cannot be started wait has the reason, and the
// error here is the benchmark's own.
func (m meter) start(ctx context.Context, limit time.Duration, command []string) (*metered, error) {
	out, report, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	hold, release, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, out.Close(), report.Close())
	}
	r := &metered{name: command[0], out: out, told: json.NewDecoder(out), letGo: sync.OnceValue(release.Close)}
	r.ctx, r.cancel = context.WithTimeout(ctx, limit+meterGrace)
	c := exec.CommandContext(r.ctx, m.self, append([]string{meterCommand, limit.String()}, command...)...)
	c.Env, c.Stdin, c.Stdout, c.Stderr, c.ExtraFiles = m.env, hold, &r.said, &r.said, []*os.File{report}
	c.Cancel, c.WaitDelay = r.letGo, meterGrace
	ownGroup(c)
	r.command = c
	err = c.Start()
	err = errors.Join(err, hold.Close(), report.Close())
	if err == nil {
		err = r.told.Decode(&r.pid)
	}
	if err != nil {
		_ = r.letGo()
		if c.Process != nil {
			_ = c.Wait() // what went wrong is known
		}
		err = r.fault(err)
		r.cancel()
		return nil, errors.Join(err, out.Close())
	}
	return r, nil
}

// wait waits until the command has ended. The error is the benchmark's own; how the command fared is in the reading.
func (r *metered) wait() (reading, error) {
	defer r.cancel()
	defer func() { _ = r.out.Close() }() // all has been read
	var m reading
	err := r.command.Wait()
	_ = r.letGo() // nobody waits for it any more
	if err == nil && r.ctx.Err() == nil {
		err = r.told.Decode(&m)
	}
	if err != nil || r.ctx.Err() != nil {
		return m, r.fault(err)
	}
	m.Said = r.said.line()
	if m.Fault != "" {
		m.Fault = strings.TrimSuffix(m.Fault+": "+m.Said, ": ")
	}
	return m, nil
}

// fault is why there is no reading.
func (r *metered) fault(err error) error {
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	return fmt.Errorf("meter %s: %w: %s", r.name, err, r.said.line())
}

// run runs a command, at most for the limit.
func (m meter) run(ctx context.Context, limit time.Duration, command []string) (reading, error) {
	r, err := m.start(ctx, limit, command)
	if err != nil {
		return reading{}, err
	}
	return r.wait()
}

// tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	const most = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	t.b = t.b[max(0, len(t.b)-most):]
	return len(p), nil
}

// line returns the last line.
func (t *tail) line() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := bytes.TrimSpace(t.b)
	return string(bytes.TrimSpace(text[bytes.LastIndexAny(text, "\r\n")+1:]))
}
