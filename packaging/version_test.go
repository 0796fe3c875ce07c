package packaging

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// named asks version.sh.
func named(t *testing.T, args ...string) string {
	t.Helper()
	if err := exec.Command("sh", "-c", "date -u -d @0").Run(); err != nil {
		t.Skipf("no shell, or none that knows the tools of GNU: %v", err)
	}
	command := exec.Command("sh", append([]string{"version.sh"}, args...)...)
	command.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1790000000")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("version.sh %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestVersionNames(t *testing.T) {
	for described, want := range map[string][2]string{
		"v1.2.3":                       {"1.2.3", "1.2.3"},
		"v1.2.3-rc.1":                  {"1.2.3-rc.1", "1.2.3~rc.1"},
		"v1.2.3-4-gabcdef0":            {"1.2.3+4.gabcdef0", "1.2.3+4.gabcdef0"},
		"v1.2.3-rc.1-4-gabcdef0-dirty": {"1.2.3-rc.1+4.gabcdef0+dirty", "1.2.3~rc.1+4.gabcdef0+dirty"},
		"abcdef0":                      {"0.0.0+20260921141320.abcdef0", "0.0.0+20260921141320.abcdef0"},
		"v1.2.3-rc.1_with/odd-letters": {"1.2.3-rc.1.with.odd.letters", "1.2.3~rc.1.with.odd.letters"},
	} {
		if got := [2]string{named(t, described), named(t, described, "package")}; got != want {
			t.Errorf("%s: %q, want %q", described, got, want)
		}
	}
}

// dpkg and rpm take them in the order in which they are made.
func TestVersionsAreOrdered(t *testing.T) {
	if _, err := exec.LookPath("dpkg"); err != nil {
		t.Skip("no dpkg here")
	}
	ordered := []string{"abcdef0", "v1.2.3-rc.1", "v1.2.3-rc.1-4-gabcdef0", "v1.2.3-rc.2", "v1.2.3", "v1.2.3-4-gabcdef0", "v1.2.3-10-g0bcdef0", "v1.2.4-rc.1"}
	for i, later := range ordered[1:] {
		a, b := named(t, ordered[i], "package"), named(t, later, "package")
		if err := exec.Command("dpkg", "--compare-versions", a, "lt", b).Run(); err != nil {
			t.Errorf("%s is not before %s", a, b)
		}
	}
}
