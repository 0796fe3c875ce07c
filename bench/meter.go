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
	PeakRSS int64         // bytes, of it alone
	Cut     bool          // it was killed at the limit
	Fault   string        // how it ended, if not well
}

// meterMain is the meter: LIMIT PROGRAM ARGUMENT... It writes its reading, as JSON, to descriptor 3. The end of standard
// input is the end of the benchmark, and the command's.
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
	r, err := account(args[1:], limit, left)
	if err != nil {
		r.Fault = err.Error()
	}
	out := os.NewFile(3, "reading")
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

// run runs a command, at most for the limit. The error is the benchmark's own; how the command fares is in the reading.
func (m meter) run(ctx context.Context, limit time.Duration, command []string) (reading, error) {
	var r reading
	out, report, err := os.Pipe()
	if err != nil {
		return r, err
	}
	defer func() { _ = out.Close() }() // all has been read
	hold, release, err := os.Pipe()
	if err != nil {
		return r, errors.Join(err, report.Close())
	}
	letGo := sync.OnceValue(release.Close)
	ctx, cancel := context.WithTimeout(ctx, limit+meterGrace)
	defer cancel()
	var said tail
	c := exec.CommandContext(ctx, m.self, append([]string{meterCommand, limit.String()}, command...)...)
	c.Env, c.Stdin, c.Stdout, c.Stderr, c.ExtraFiles = m.env, hold, &said, &said, []*os.File{report}
	c.Cancel, c.WaitDelay = letGo, meterGrace
	ownGroup(c)
	err = c.Start()
	closed := errors.Join(hold.Close(), report.Close())
	if err == nil {
		err = errors.Join(c.Wait(), closed)
	}
	_ = letGo() // nobody waits for it any more
	if ctx.Err() != nil {
		return r, ctx.Err()
	}
	if err == nil {
		err = json.NewDecoder(out).Decode(&r)
	}
	if err != nil {
		return r, fmt.Errorf("meter %s: %w: %s", command[0], err, said.line())
	}
	if r.Fault != "" {
		r.Fault = strings.TrimSuffix(r.Fault+": "+said.line(), ": ")
	}
	return r, nil
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
