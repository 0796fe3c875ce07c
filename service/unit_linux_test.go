package service

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// worstExposure is what `systemd-analyze security` may give the unit, in tenths. It is 1.3 by systemd 252; later versions ask
// for more. docs/service.md tells what it is made of.
const worstExposure = "20"

// offline copies the units to a directory of their own, with a program that exists here.
func offline(t *testing.T) []string {
	t.Helper()
	sftptest.Program(t, "systemd-analyze", "systemd")
	program := filepath.Join(t.TempDir(), "dropferry")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var units []string
	for _, name := range []string{"dropferry.service", "dropferry@.service"} {
		text := strings.ReplaceAll(packaged(t, "systemd/"+name), packagedProgram+" ", program+" ")
		unit := filepath.Join(dir, name)
		if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		units = append(units, unit)
	}
	return units
}

func TestUnitsAreValid(t *testing.T) {
	units := offline(t)
	out, err := exec.Command("systemd-analyze", append([]string{"verify", "--man=no", "--recursive-errors=no"}, units...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func TestUnitsAreHardened(t *testing.T) {
	for _, unit := range offline(t) {
		out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold="+worstExposure, unit).CombinedOutput()
		if err != nil {
			t.Errorf("systemd-analyze security: %v: worse than %s tenths\n%s", err, worstExposure, out)
		}
		if text := string(out); !strings.Contains(text, "Overall exposure level") {
			t.Errorf("systemd-analyze security says\n%s", text)
		}
	}
	// What the agent cannot do without is what is left: each of the lines is explained in docs/service.md.
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--json=short", offline(t)[0]).Output()
	if err != nil {
		t.Fatal(err)
	}
	var findings []struct {
		Field    string  `json:"json_field"`
		Set      *bool   `json:"set"`
		Exposure *string `json:"exposure"`
	}
	if err := json.Unmarshal(out, &findings); err != nil {
		t.Fatalf("%v\n%.400s", err, out)
	}
	page, err := os.ReadFile("../docs/service.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if f.Set == nil || *f.Set || f.Exposure == nil {
			continue
		}
		name, _, _ := strings.Cut(f.Field, "_")
		if !strings.Contains(string(page), "`"+name) {
			t.Errorf("docs/service.md does not say why %s is left open", f.Field)
		}
	}
}
