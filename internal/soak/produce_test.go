package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestProduction records what a producer does, and what became of what it did before.
func TestProduction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := t.TempDir()
	sending := filepath.Join(server, "in", ".a.0123456789abcdef.part") // what is written over is written over while it is sent
	if err := os.Mkdir(filepath.Dir(sending), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sending, []byte("some of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &production{root: server, seed: 1, began: time.Now(), roots: map[string]string{outbox: dir, mirror: t.TempDir()}, there: there, last: map[string]int{}}
	do := func(s step) {
		t.Helper()
		if err := p.do(t.Context(), outbox, s); err != nil {
			t.Fatal(err)
		}
	}
	do(step{Do: drop, Name: "a", Content: 1, Size: 100})
	do(step{Do: inPlace, Name: "a", Content: 2, Size: 100})
	do(step{Do: grow, Name: "a", Content: 2, From: 100, Size: 150})
	do(step{Do: over, Name: "a", Content: 5, Size: 150})
	do(step{Do: rename, Name: "a", To: "d/b"})
	do(step{Do: touch, Name: "d/b"})
	if err := os.Remove(filepath.Join(dir, "d", "b")); err != nil { // as the agent does
		t.Fatal(err)
	}
	do(step{Do: rename, Name: "d/b", To: "c"})
	do(step{Do: drop, Name: "d/b", Content: 3, Size: 70})
	if err := os.Remove(filepath.Join(dir, "d", "b")); err != nil {
		t.Fatal(err)
	}
	do(step{Do: drop, Name: "d/b", Content: 4, Size: 80})
	want := []struct {
		name string
		size int64
		end  end
	}{{"in/a", 100, replaced}, {"in/a", 100, replaced}, {"in/a", 150, replaced}, {"in/a", 150, renamed}, {"in/d/b", 150, left}, {"in/d/b", 70, left}, {"in/d/b", 80, stands}}
	if len(p.versions) != len(want) {
		t.Fatalf("versions: %+v", p.versions)
	}
	for i, w := range want {
		if v := p.versions[i]; v.Name != w.name || v.Size != w.size || v.End != w.end {
			t.Errorf("version %d: %+v, want %+v", i, v, w)
		}
	}
	if p.versions[3].SHA256 != p.versions[4].SHA256 || p.versions[2].SHA256 == p.versions[3].SHA256 {
		t.Error("a renamed file has another content, or one that was written over the same")
	}
	sum, size, err := hashFile(filepath.Join(dir, "d", "b"))
	if last := p.versions[len(p.versions)-1]; err != nil || sum != last.SHA256 || size != last.Size {
		t.Errorf("%s of %d bytes is on the disk, %+v was recorded; %v", sum, size, last, err)
	}
}
