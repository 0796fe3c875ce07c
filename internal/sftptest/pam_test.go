package sftptest

import (
	"testing"
	"time"
)

// TestCode has the last six digits of RFC 6238's own values, appendix B.
func TestCode(t *testing.T) {
	p := PAM{Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		if got, err := p.Code(time.Unix(at, 0)); err != nil || got != want {
			t.Errorf("at %d the code is %s, %v, want %s", at, got, err, want)
		}
	}
}
