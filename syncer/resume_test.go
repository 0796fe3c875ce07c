package syncer

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/dropferry/dropferry/chunk"
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

// TestAnIndexGoesOnWithItsUpload cuts an upload behind a checkpoint: the file is indexed all the same, as if nothing had happened, and
// read once.
func TestAnIndexGoesOnWithItsUpload(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.Delta, r.folder.CheckpointBytes = DeltaAlways, 512<<10
	s := r.to("acme", sftptest.ServerOptions{Copies: true, CheckFile: &sftptest.CheckFile{Announce: []string{"check-file"}}})
	r.warm()
	content := large(4 << 20)
	r.drop("a", content)
	s.Faults.Add(sftptest.Fault{Op: sftptest.OpFsync, Path: ".a.*", After: 2, Times: 2, Cut: true})
	r.once()
	if n := s.Faults.Hits(); n != 2 {
		t.Fatalf("%d cuts", n)
	}
	r.wantInbox("acme", map[string]string{"x": "warm", "a": content})
	whole := chunk.NewBuilder()
	_, _ = whole.Write([]byte(content)) // which does not fail
	want, err := whole.Index().MarshalBinary()
	r.must(err)
	got, found, err := r.store.Index(t.Context(), r.record("a").Known[0].SHA256)
	if err != nil || !found || !bytes.Equal(got, want) {
		t.Errorf("found %v, %d bytes of %d, %v", found, len(got), len(want), err)
	}
}

// TestIndexingGoesOn takes what it has seen already once, and gives up where something is missing.
func TestIndexingGoesOn(t *testing.T) {
	t.Parallel()
	content := []byte(large(300 << 10))
	size := int64(len(content))
	x := &indexing{}
	for _, at := range [][2]int{{0, 100 << 10}, {50 << 10, 70 << 10}, {90 << 10, 200 << 10}, {200 << 10, 300 << 10}} {
		x.goOn()
		x.take(int64(at[0]), content[at[0]:at[1]])
	}
	whole := &indexing{}
	whole.take(0, content)
	got, err := x.index(size).MarshalBinary()
	want, err2 := whole.index(size).MarshalBinary()
	if err != nil || err2 != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, %v: another index", err, err2)
	}
	x = &indexing{}
	x.take(0, content[:1000])
	x.goOn()
	x.take(2000, content[2000:])
	if x.index(size) != nil {
		t.Error("a part was not seen")
	}
}
