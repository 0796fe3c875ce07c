package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Command runs a program for each message, which it reads as JSON from standard input. There is no shell.
type Command struct {
	Args []string // the program and its arguments
	Env  []string // of the program, besides DROPFERRY_*
}

// Send implements Sender.
func (c *Command) Send(ctx context.Context, m *Message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	output, err := Run(ctx, c.Args, append(slices.Clip(c.Env), "DROPFERRY_AGENT="+m.Agent, "DROPFERRY_SUBJECT="+m.Subject()), text)
	if err != nil && output != "" {
		return fmt.Errorf("%w: %s", err, oneLine(output))
	}
	return err
}

// mostOutput is how much of a program's output is kept, in bytes: its end, where the reason for a failure stands.
const mostOutput = 4 << 10

// afterKill is how long the output of a program is waited for that was killed: one that it has started may hold it open.
const afterKill = time.Second

// Run runs a program without a shell, with input on its standard input, until ctx ends; then it is killed, on Unix with
// what it has started. It returns the end of what it has printed on standard output and error.
func Run(ctx context.Context, args, env []string, input []byte) (output string, err error) {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Env = env
	c.Stdin = bytes.NewReader(input)
	var end tail
	c.Stdout, c.Stderr = &end, &end
	c.WaitDelay = afterKill
	killAll(c)
	err = c.Run()
	name := filepath.Base(args[0])
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil: // it has left something running, and ended well
		return end.String(), nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return end.String(), fmt.Errorf("run %s: it was ended, since it took longer than its timeout", name)
	case ctx.Err() != nil:
		return end.String(), fmt.Errorf("run %s: %w", name, ctx.Err())
	}
	return end.String(), fmt.Errorf("run %s: %w", name, err)
}

// tail keeps the end of what is written to it.
type tail struct {
	text []byte
	cut  bool
}

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b...)
	if over := len(t.text) - mostOutput; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
		t.cut = true
	}
	return len(b), nil
}

func (t *tail) String() string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.text), "?"))
	if t.cut {
		return "..." + text
	}
	return text
}
