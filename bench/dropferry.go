package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// buildDropferry builds the program from this tree, and lets it say which state of the tree that is.
func buildDropferry(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "dropferry")
	args := []string{"build", "-trimpath", "-o", binary}
	if described, err := exec.CommandContext(ctx, "git", "describe", "--tags", "--match", "v[0-9]*", "--always", "--dirty").Output(); err == nil {
		args = append(args, "-ldflags", "-X main.release="+strings.TrimSpace(string(described)))
	}
	build := exec.CommandContext(ctx, "go", append(args, "github.com/dropferry/dropferry/cmd/dropferry")...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build dropferry: %w\n%s", err, bytes.TrimSpace(out))
	}
	return binary, nil
}

// once is dropferry from a cold start: connecting, the probe of the server, scanning and a new store count.
func once(binary string) func(transfer) ([]string, error) {
	return func(t transfer) ([]string, error) {
		config, err := configuration{
			login: t.login, scratch: t.scratch, target: t.target,
			folders: []folder{{"bench", t.source.dir, payload, []string{quiet}}},
		}.write()
		return []string{binary, "--config", config, "--quiet", "once"}, err
	}
}
