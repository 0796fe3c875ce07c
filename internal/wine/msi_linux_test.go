package wine

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPackage makes the package twice, and once signed. It does not look into the program, so any file serves.
func TestPackage(t *testing.T) {
	needsWine(t) // and what comes with it
	dir := t.TempDir()
	program := filepath.Join(dir, "program.exe")
	if err := goTool("build", "-trimpath", "-o", program, "../../packaging/notices"); err != nil {
		t.Fatal(err)
	}
	tool := func(name string, args ...string) string {
		t.Helper()
		command := exec.Command(name, args...)
		command.Dir = dir
		command.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1700000000", "DROPFERRY_SIGN_PFX=", "DROPFERRY_SIGN_TIMESTAMP_URL=")
		if name == "env" {
			command.Env = append(command.Env, "DROPFERRY_SIGN_PASSWORD_FILE="+filepath.Join(dir, "password"))
		}
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v: %s", name, args, err, out)
		}
		return string(out)
	}
	script := filepath.Join(repository(t), "packaging", "windows", "msi.sh")
	read := func(name string) []byte {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	tool("sh", script, "v1.2.3-4-gabcdef0", program, "one.msi")
	tool("sh", script, "v1.2.3-4-gabcdef0", program, "two.msi")
	if !bytes.Equal(read("one.msi"), read("two.msi")) {
		t.Error("the same sources, version and time do not make the same package")
	}
	if text := tool("msiinfo", "export", "one.msi", "Property"); !strings.Contains(text, "ProductVersion\t1.2.3") {
		t.Errorf("properties:\n%s", text)
	}
	// A build without a version has the day: SOURCE_DATE_EPOCH is that many days after 1970.
	tool("sh", script, "abcdef0", program, "untagged.msi")
	if text := tool("msiinfo", "export", "untagged.msi", "Property"); !strings.Contains(text, "ProductVersion\t0.0.19675") {
		t.Errorf("properties of a build without a version:\n%s", text)
	}
	for table, rows := range map[string][]string{
		"CustomAction": {
			"InstallService\t3090\tExe\tservice install", "InstallAgain\t3090\tExe\tservice install --again",
			"StopAll\t3154\tExe\tservice stop --all", "RestartService\t3154\tExe\tservice start --again", "RemoveService\t3154\tExe\tservice uninstall --all",
			"UndoService\t3410\tExe\tservice install --undo", "UndoStop\t3410\tExe\tservice start --again",
		},
		"InstallExecuteSequence": {
			"UndoStop\tInstalled\t1849", "StopAll\tInstalled\t1850", "UndoService\tNOT REMOVE\t4001", "InstallService\tNOT REMOVE AND NOT WIX_UPGRADE_DETECTED\t4002",
			"InstallAgain\tWIX_UPGRADE_DETECTED AND NOT REMOVE\t4003",
			"RestartService\t(Installed OR WIX_UPGRADE_DETECTED) AND NOT REMOVE\t6500",
		},
	} {
		text := strings.ReplaceAll(tool("msiinfo", "export", "one.msi", table), "\r", "")
		for _, row := range rows {
			if !strings.Contains(text, "\n"+row) {
				t.Errorf("%s has no %q:\n%s", table, row, text)
			}
		}
	}

	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	tool("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=dropferry")
	tool("openssl", "pkcs12", "-export", "-in", "cert.pem", "-inkey", "key.pem", "-out", "cert.pfx", "-passout", "file:password")
	tool("env", "DROPFERRY_SIGN_PFX="+filepath.Join(dir, "cert.pfx"), "sh", script, "v1.2.3", program, "signed.msi")
	if text := tool("osslsigncode", "verify", "-CAfile", "cert.pem", "-in", "signed.msi"); !strings.Contains(text, "Signature verification: ok") {
		t.Errorf("the signed package:\n%s", text)
	}
}
