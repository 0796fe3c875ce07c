package rights

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func textOf(t *testing.T, name string) string {
	t.Helper()
	text, err := Of(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestClose(t *testing.T) {
	one, two := Grant{service, Read}, Grant{second, Read}
	dir := filepath.Join(t.TempDir(), "home")
	for _, what := range []string{"new", "there already"} {
		if what == "there already" {
			dir = filepath.Join(t.TempDir(), "home")
			if err := os.Mkdir(dir, 0o777); err != nil {
				t.Fatal(err)
			}
		}
		for _, grant := range []Grant{one, two} {
			if err := Close(dir, nil, grant); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		text := textOf(t, dir)
		if who := Readers(text); len(who) != 0 && !underWine() {
			t.Errorf("%s: read by %v: %s", what, who, text) // wine keeps rights as Unix modes, and not all of them
		}
		if !underWine() && (!strings.Contains(text, service) || !strings.Contains(text, second)) {
			t.Errorf("%s: not both services get in: %s", what, text)
		}
	}
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Close(name, nil, one); err == nil {
		t.Error("a file was taken for a directory")
	}
}

func TestMakeLeavesWhatIsThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "above", "state")
	for range 2 {
		if err := Make(dir, Self); err != nil {
			t.Fatal(err)
		}
		if who := Readers(textOf(t, dir)); len(who) != 0 {
			t.Errorf("read by %v", who)
		}
		if err := os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600); err != nil {
			t.Error(err)
		}
	}
	if err := Make(filepath.Join(dir, "file"), Self); err == nil {
		t.Error("a file was taken for a directory")
	}
}

func TestNarrow(t *testing.T) {
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := set(name, "D:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)(A;;FR;;;BU)"); err != nil {
		t.Fatal(err)
	}
	if who := Readers(textOf(t, name)); len(who) == 0 {
		t.Fatalf("nobody reads it: %s", textOf(t, name))
	}
	if err := Narrow(name, Self); err != nil {
		t.Fatal(err)
	}
	if who := Readers(textOf(t, name)); len(who) != 0 && !underWine() { // as above
		t.Errorf("read by %v: %s", who, textOf(t, name))
	}
	if text, err := os.ReadFile(name); err != nil || string(text) != "x" {
		t.Errorf("%q, %v", text, err)
	}
}
