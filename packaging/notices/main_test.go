package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNoticesNameWhatIsLinked(t *testing.T) {
	var out bytes.Buffer
	if err := write(&out, []string{"linux", "windows"}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{
		"\ngithub.com/pkg/sftp v", "\ngolang.org/x/crypto v", "\nmodernc.org/sqlite v", "\nmodernc.org/libc v", "\ngithub.com/spf13/cobra v",
		"\ngithub.com/inconshreveable/mousetrap v", // of Windows only
		"\nuPlot 1.", "Leon Sorokin", // of the page
		"\nGo's standard library\n", "Redistribution and use in source and binary forms", "--- LICENSE",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the notices lack %q", want)
		}
	}
	for _, unwanted := range []string{"goleak", "rapid", "dropferry/dropferry v"} { // of tests, and ourselves
		if strings.Contains(text, unwanted) {
			t.Errorf("the notices name %s", unwanted)
		}
	}
	if home, err := os.UserHomeDir(); err == nil && home != "/" && strings.Contains(text, home+"/") {
		t.Error("the notices hold paths of this machine")
	}
}

func TestModuleWithoutALicenceIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "README"), []byte("take it"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeModule(&bytes.Buffer{}, module{"example.com/x", "v1.0.0", dir}); err == nil || !strings.Contains(err.Error(), "example.com/x v1.0.0") {
		t.Errorf("%v", err)
	}
}
