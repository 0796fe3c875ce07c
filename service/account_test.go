package service

import (
	"strings"
	"testing"
)

func TestAccountOf(t *testing.T) {
	for _, test := range []struct {
		given, want string
		password    bool
		fault       string
	}{
		{given: "", want: `NT SERVICE\dropferry`},
		{given: `nt service\DROPFERRY`, want: `NT SERVICE\dropferry`},
		{given: `NT SERVICE\other`, fault: "belongs to another service"},
		{given: "localsystem", want: "LocalSystem"},
		{given: `NT AUTHORITY\SYSTEM`, want: "LocalSystem"},
		{given: "LocalService", want: `NT AUTHORITY\LocalService`},
		{given: `nt authority\network service`, want: `NT AUTHORITY\NetworkService`},
		{given: "transfer", want: `.\transfer`, password: true},
		{given: `.\transfer`, want: `.\transfer`, password: true},
		{given: `ACME\transfer`, want: `ACME\transfer`, password: true},
		{given: "transfer@acme.example", want: "transfer@acme.example", password: true},
		{given: `ACME\transfer$`, want: `ACME\transfer$`},
		{given: "transfer$", fault: "has no domain"},
		{given: `ACME\`, fault: `an account is DOMAIN\name`},
		{given: `\transfer`, fault: `an account is DOMAIN\name`},
	} {
		got, err := accountOf("dropferry", test.given)
		if test.fault != "" {
			if err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("%q: %v, want %q", test.given, err, test.fault)
			}
			continue
		}
		if err != nil || got != (account{test.want, test.password}) {
			t.Errorf("%q: %+v, %v, want %s", test.given, got, err, test.want)
		}
	}
}

// The SID of a service that every Windows has.
func TestServiceSID(t *testing.T) {
	const want = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
	for _, name := range []string{"TrustedInstaller", "trustedinstaller"} {
		if got := SIDOf(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
