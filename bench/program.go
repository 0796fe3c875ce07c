package main

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"time"
)

// transfer is what a program is asked to do: source, a directory, is to be at the server as target/payload. What it
// needs of its own goes into scratch, a fresh directory.
type transfer struct {
	login
	source          source
	target, scratch string
	gauge           *gauge
}

// program is one that can be run here.
type program struct {
	name    string
	version string
	own     bool // a dropferry
	limit   bool // no program that anybody would use instead, but what the machine can do at best
	local   bool // of limits: no network is involved
	// carry does it once, in the time that it is given.
	carry func(context.Context, *stage, transfer, time.Duration) (reading, error)
	// result is what has to be at the target; nil is the source.
	result func(source) tree
}

func (p program) wants(from source) tree {
	if p.result == nil {
		return from.want
	}
	return p.result(from)
}

// byCommand carries by one command, which counts from its start to its end.
func byCommand(command func(transfer) ([]string, error)) func(context.Context, *stage, transfer, time.Duration) (reading, error) {
	return func(ctx context.Context, s *stage, t transfer, limit time.Duration) (reading, error) {
		c, err := command(t)
		if err != nil {
			return reading{}, err
		}
		return s.meter.run(ctx, limit, c)
	}
}

func allInstalled(programs []string) bool {
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			return false
		}
	}
	return true
}

// versionOf returns the first line that the command prints, without its copyright.
func versionOf(ctx context.Context, command []string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || line == "" {
		return "version unknown"
	}
	line, _, _ = strings.Cut(line, "| Copyright")
	return strings.Join(strings.Fields(line), " ")
}

// safePath tells whether a path can be given to all of them as it is: some commands pass through a shell or a language
// of their own.
func safePath(path string) error {
	if strings.ContainsFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-+", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return errors.New("use " + path + ": its name has more than letters, digits and /._-+; give another with -dir")
	}
	return nil
}
