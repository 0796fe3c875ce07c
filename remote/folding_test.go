package remote

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
)

// A server that takes several names for one is found out.
func TestServerThatFoldsNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		same   func(string) string
		faults []sftptest.Fault
		want   file.Folding
		says   string
	}{
		{"no", nil, nil, file.Folding{}, "told apart by case and form"},
		{"case", strings.ToLower, nil, file.Folding{Case: true}, "not told apart by case: "},
		{"form", norm.NFD.String, nil, file.Folding{Form: true}, "not told apart by the form of accents: "},
		{"both", func(name string) string { return norm.NFC.String(strings.ToLower(name)) }, nil, file.Folding{Case: true, Form: true}, "nor by the form"},
		{"refuses accents", strings.ToLower, []sftptest.Fault{sftptest.Refuse(sftptest.OpOpen, sftptest.Failure).On("é")}, file.Folding{Case: true}, "by case: "},
		{"one open file", norm.NFD.String, []sftptest.Fault{sftptest.MaxOpenFiles(1)}, file.Folding{Form: true}, "form"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, sftptest.ServerOptions{SameName: tt.same}, tt.faults...)
			s := mustDial(t, serverTarget(server))
			c, err := s.Probe(t.Context(), time.Now())
			if err != nil || c.Folding() != tt.want || !c.Rename || !c.SetTimes {
				t.Errorf("%+v, %v", c, err)
			}
			if left := names(t, server.Dir); len(left) > 0 {
				t.Errorf("%q is left behind", left)
			}
			for _, f := range c.Consequences() {
				if f.Name == "names" && (f.OK == tt.want.Folds() || !strings.Contains(f.Text, tt.says)) {
					t.Errorf("it says %+v", f)
				}
			}
		})
	}
}
