package agent

import (
	"strings"
	"testing"
)

func TestRightsOfAService(t *testing.T) {
	const sid = "S-1-5-80-1-2-3-4-5"
	own, known := accountSIDs(`NT SERVICE\Dropferry`, "dropferry", sid)
	if !known {
		t.Fatal("its own account is not known")
	}
	for _, account := range []string{"LocalSystem", `ACME\transfer`, `NT SERVICE\other`, ""} {
		if _, known := accountSIDs(account, "dropferry", sid); known {
			t.Errorf("the groups of %s are known", account)
		}
	}
	network, _ := accountSIDs(`NT AUTHORITY\NetworkService`, "dropferry", sid)
	const closed = "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
	for _, test := range []struct {
		what, sddl, letters string
		sids                []string
		puts                bool
	}{
		{"administrators alone", closed, "RX", own, false},
		{"administrators alone, and it is put away", closed, "M", own, true},
		{"all users read", closed + "(A;OICI;0x1200a9;;;BU)", "", own, false},
		{"all users read, and it is put away", closed + "(A;OICI;0x1200a9;;;BU)", "M", own, true},
		{"the service was let in", closed + "(A;OICI;0x1301bf;;;" + sid + ")", "", own, true},
		{"its account was let in", closed + "(A;OICI;0x1301bf;;;NS)", "", network, true},
		{"another account was let in", closed + "(A;OICI;0x1301bf;;;NS)", "RX", own, false},
		{"it is refused", "D:(D;;FR;;;" + sid + ")(A;OICI;FA;;;WD)", "RX", own, false},
	} {
		d, wrong := rightsDiagnosis("invoices", `D:\erp\out`, `NT SERVICE\dropferry`, test.sddl, test.sids, test.puts)
		if wrong != (test.letters != "") {
			t.Errorf("%s: %+v", test.what, d)
			continue
		}
		if want := `icacls "D:\erp\out" /grant "NT SERVICE\dropferry:(OI)(CI)` + test.letters + `"`; wrong && (d.Hint != want || !strings.Contains(d.Text, `D:\erp\out`)) {
			t.Errorf("%s: %+v", test.what, d)
		}
	}
}
