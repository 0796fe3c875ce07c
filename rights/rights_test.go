package rights

import (
	"slices"
	"strings"
	"testing"
)

const (
	service = "S-1-5-80-1-2-3-4-5"
	second  = "S-1-5-80-9-8-7-6-5"
	// What a new directory in the root of a disk inherits.
	inherited = "O:BAG:S-1-5-21-1-2-3-513D:AI(A;OICIID;FA;;;BA)(A;OICIID;FA;;;SY)(A;OICIIOID;GA;;;CO)(A;OICIID;0x1200a9;;;BU)(A;CIID;LC;;;BU)(A;OICIID;0x1301bf;;;AU)"
	// The home of a service, and something an administrator has added.
	home = "O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;" + service + ")(D;OICI;FW;;;S-1-5-21-9)(A;OICI;FR;;;S-1-5-21-7)"
)

func TestReaders(t *testing.T) {
	for _, test := range []struct{ sddl, want string }{
		{inherited, "all users"},
		{home, ""},
		{"O:BAD:PAI(A;;FA;;;SY)(A;;FR;;;WD)", "everyone"},
		{"D:(A;;0x120089;;;S-1-1-0)(A;;FR;;;BG)", "everyone, guests"},
		{"D:(A;OICIIO;FA;;;BU)", ""}, // for what is below alone
		{"D:(A;;FW;;;BU)", ""},       // it writes, and reads nothing
		{"D:(D;;FA;;;WD)", ""},
		{"D:NO_ACCESS_CONTROL", "everyone"},
		{"O:BA", "everyone"},
		{"D:P", ""}, // nobody gets in
		{"D:(A;;FA;;;SY)S:(AU;SAFA;FA;;;WD)", ""},
	} {
		if got := strings.Join(Readers(test.sddl), ", "); got != test.want {
			t.Errorf("%s: %q, want %q", test.sddl, got, test.want)
		}
	}
}

func TestRightsOfANewDirectory(t *testing.T) {
	got := rightsOf([]Grant{{service, Read}})
	if want := "O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;" + service + ")"; got != want {
		t.Errorf("%s", got)
	}
}

func TestASecondServiceComesBesideTheFirst(t *testing.T) {
	got := closed(home, []Grant{{second, Read}})
	want := "O:BAD:PAI(D;OICI;FW;;;S-1-5-21-9)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;" + service + ")(A;OICI;FR;;;S-1-5-21-7)(A;OICI;0x1200a9;;;" + second + ")"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if again := closed(got, []Grant{{second, Read}}); again != got {
		t.Errorf("it grows: %s", again)
	}
	if got := closed(home, []Grant{{service, Change}}); !strings.Contains(got, "(A;OICI;0x1301bf;;;"+service+")") {
		t.Errorf("what was read only stays so: %s", got)
	}
}

func TestNothingIsInheritedAfterwards(t *testing.T) {
	if got, want := closed(inherited, []Grant{{service, Change}}), rightsOf([]Grant{{service, Change}}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNarrowed(t *testing.T) {
	const loose = "O:BAD:AI(A;OICI;0x1301bf;;;" + second + ")(A;OICIID;FA;;;BA)(A;OICIID;FA;;;SY)(A;OICIID;0x1200a9;;;BU)"
	got := narrowed(loose, []Grant{{service, Change}})
	want := "D:PAI(A;OICI;0x1301bf;;;" + second + ")(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;0x1301bf;;;" + service + ")"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if who := Readers(got); len(who) != 0 {
		t.Errorf("still read by %v", who)
	}
}

func TestAllows(t *testing.T) {
	for _, test := range []struct {
		sddl, rights string
		sids         []string
		want         bool
	}{
		{home, Read, []string{service}, true},
		{home, Change, []string{service}, false},
		{home, Read, []string{second}, false},
		{inherited, Change, []string{second, "AU"}, true},
		{inherited, Change, []string{second}, false},
		{"D:(D;;FW;;;WD)(A;;FA;;;" + service + ")", Change, []string{service, "WD"}, false},
		{"D:(D;;FW;;;WD)(A;;FA;;;" + service + ")", Read, []string{service, "WD"}, false}, // FW has READ_CONTROL too
		{"D:(D;;DC;;;WD)(A;;FA;;;" + service + ")", Read, []string{service, "WD"}, true},
		{"D:NO_ACCESS_CONTROL", Change, []string{service}, true},
	} {
		if got := Allows(test.sddl, test.rights, test.sids...); got != test.want {
			t.Errorf("%s to %v on %s: %v", test.rights, test.sids, test.sddl, got)
		}
	}
}

func TestTrusted(t *testing.T) {
	const installer = "S-1-5-21-1-2-3-1001"
	for owner, want := range map[string]bool{
		"S-1-5-18": true, "S-1-5-32-544": true, installer: true, service: true,
		"S-1-5-21-1-2-3-1002": false, "S-1-5-32-545": false, second: false, "": false,
	} {
		if got := trusted(owner, []string{installer, service}); got != want {
			t.Errorf("%s: %v", owner, got)
		}
	}
	if trusted("", []string{""}) {
		t.Error("nobody is trusted")
	}
}

func TestIdentities(t *testing.T) {
	const person = "S-1-5-21-1-2-3-1001"
	for _, test := range []struct {
		user   string
		groups []string
		want   []string
	}{
		{person, []string{"S-1-1-0", "S-1-5-11"}, []string{person}},
		{service, []string{"S-1-5-80-0", service}, []string{service}},
		{"S-1-5-19", []string{"S-1-5-80-0", service}, []string{service}}, // LocalService is many services
		{"S-1-5-19", nil, []string{"S-1-5-19"}},
		{"S-1-5-18", []string{service}, []string{service}},
		{"S-1-5-18", nil, nil},
		{person, []string{service}, []string{service, person}},
	} {
		if got := identities(test.user, test.groups); !slices.Equal(got, test.want) {
			t.Errorf("%s in %v: %v, want %v", test.user, test.groups, got, test.want)
		}
	}
}

func TestWords(t *testing.T) {
	if got, want := Words(`D:\erp out`, `NT SERVICE\dropferry`, "M"), `icacls "D:\erp out" /grant "NT SERVICE\dropferry:(OI)(CI)M"`; got != want {
		t.Error(got)
	}
	dir, one := CloseWords(`D:\state`, `NT SERVICE\dropferry`, true), CloseWords(`D:\state\secret`, `NT SERVICE\dropferry`, false)
	if !strings.Contains(dir, `"NT SERVICE\dropferry:(OI)(CI)M"`) || strings.Contains(one, "(OI)") || !strings.Contains(one, `"NT SERVICE\dropferry:M"`) {
		t.Errorf("%s\n%s", dir, one)
	}
	for _, text := range []string{dir, one} {
		if !strings.Contains(text, "/inheritance:r") || !strings.Contains(text, "*S-1-5-32-545") {
			t.Error(text)
		}
	}
}
