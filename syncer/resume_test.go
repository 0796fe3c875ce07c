package syncer

import (
	"math/rand/v2"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
)

// large returns n bytes of which no stretch is like another.
func large(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b) // never fails
	return string(b)
}

// TestAMarkEndsWithItsTemp loses a temp below its checkpoint. The upload that begins anew is cut when the file reaches that
// far again, and the first WRITE of it has not arrived: what lies below the old mark counts no more.
func TestAMarkEndsWithItsTemp(t *testing.T) {
	t.Parallel()
	const packet, mark = 32 << 10, 8 * 32 << 10
	r := newRig(t)
	r.folder.Verify, r.folder.CheckpointBytes = remote.Size, mark // a hole would show in the file alone
	s := r.to("acme", sftptest.ServerOptions{})
	r.warm()
	content := large(4 * mark)
	r.drop("a", content)
	second := []sftptest.Fault{
		{Op: sftptest.OpWrite, Path: ".a.*", Times: 1, Hang: true},
		{Op: sftptest.OpWrite, Path: ".a.*", After: mark/packet - 1, Times: 1, Late: true, Cut: true},
	}
	s.Faults.Add(sftptest.Fault{Op: sftptest.OpFsync, Path: ".a.*", After: 1, Times: 1, Cut: true, Do: func() {
		if err := removeTemps(s); err != nil {
			t.Error(err)
		}
		s.Faults.Add(second...)
	}})
	r.once()
	if n := s.Faults.Hits(); n != 3 {
		t.Fatalf("%d faults, want 3", n)
	}
	r.wantInbox("acme", map[string]string{"x": "warm", "a": content})
}
