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

// buildDropferry builds the program from this tree.
func buildDropferry(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "dropferry")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "github.com/dropferry/dropferry/cmd/dropferry")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build dropferry: %w\n%s", err, bytes.TrimSpace(out))
	}
	return binary, nil
}

// ownProgram returns a dropferry by the path of its binary.
func ownProgram(ctx context.Context, name, binary string) (program, error) {
	binary, err := filepath.Abs(binary)
	if err == nil {
		_, err = os.Stat(binary)
	}
	if err != nil {
		return program{}, err
	}
	return program{
		name: name, own: true, version: versionOf(ctx, []string{binary, "version"}),
		command: func(t transfer) ([]string, error) {
			config := filepath.Join(t.scratch, "agent.toml")
			if err := os.WriteFile(config, []byte(agentTOML(t)), 0o600); err != nil {
				return nil, err
			}
			return []string{binary, "--config", config, "--quiet", "once"}, nil
		},
	}, nil
}

// agentTOML is a configuration with all that dropferry promises and a state directory that is not there yet. Sizes and
// times do not prove an upload: verify asks for the content. The files' change times are the benchmark's own and cannot
// be set back, so stable_for makes them ready at once.
func agentTOML(t transfer) string {
	quoted := make([]string, len(t.fingerprints))
	for i, f := range t.fingerprints {
		quoted[i] = fmt.Sprintf("%q", f)
	}
	return fmt.Sprintf(`version = 1

[agent]
name = "bench"
state_dir = %q

[defaults]
stable_for = "1ms"
verify = "content"

[[destination]]
name = "server"
host = %q
port = %d
user = %q
key_file = %q
host_key = [%s]
root = %q

[[folder]]
name = "bench"
path = %q
to = ["server:%s"]
`, filepath.Join(t.scratch, "state"), t.host, t.port, t.user, t.keyFile, strings.Join(quoted, ", "), t.target, t.source, payload)
}
