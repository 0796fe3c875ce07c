package service

import (
	"os"
	"os/user"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAsAccountHasWhatTheUnitGives reads with the capability, or the group, of a service what its account alone may not.
func TestAsAccountHasWhatTheUnitGives(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can look with the rights of others")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	others, err := user.LookupGroupId("1")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	for at := dir; at != os.TempDir() && at != "/"; at = filepath.Dir(at) { // made by testing, for its own account
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	private, shared := filepath.Join(dir, "private"), filepath.Join(dir, "shared")
	for name, mode := range map[string]os.FileMode{private: 0o600, shared: 0o640} {
		if err := os.WriteFile(name, []byte("text"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(shared, 0, 1); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what    string
		rights  Rights
		private bool
		shared  bool
	}{
		{"the account alone", Rights{}, false, false},
		{"a capability", Rights{Capabilities: []string{"cap_dac_read_search", "cap_net_bind_service"}}, true, true},
		{"another group", Rights{Group: others.Name}, false, true},
		{"a further group", Rights{Groups: []string{others.Name}}, false, true},
		{"a group by its number", Rights{Groups: []string{"1"}}, false, true},
	} {
		c.rights.Account = nobody.Username
		if held, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, unix.CAP_DAC_READ_SEARCH, 0, 0, 0); len(c.rights.Capabilities) > 0 && (err != nil || held != 1) {
			t.Logf("%s: left out, since root itself does not have it here", c.what) // in a container, say
			continue
		}
		for name, may := range map[string]bool{private: c.private, shared: c.shared} {
			out, code, ok, err := AsAccount(t.Context(), c.rights, dir, "/bin/cat", name)
			if read := code == 0 && string(out) == "text"; err != nil || !ok || read != may {
				t.Errorf("%s, %s: read %v (code %d), %v, %v", c.what, filepath.Base(name), read, code, ok, err)
			}
		}
	}
	if _, _, _, err := AsAccount(t.Context(), Rights{Account: nobody.Username, Groups: []string{"no-such-group"}}, dir, "/bin/cat", private); err == nil {
		t.Error("a group that is not there is not missed")
	}
}
