package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestPartner takes some files at once, and leaves what is private or another's.
func TestPartner(t *testing.T) {
	t.Parallel()
	root, hold := t.TempDir(), t.TempDir()
	inbox := filepath.Join(root, "in", "deep")
	p, err := newPartner(root, filepath.Join(root, "in"), hold, 1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { err = p.run(ctx) })
	if err := os.MkdirAll(inbox, 0o700); err != nil {
		t.Fatal(err)
	}
	atOnce, later, never := 0, 0, 0
	for n := range 100 {
		name := filepath.Join(inbox, fmt.Sprint(n))
		switch lies, takes := p.manner(name, 5); {
		case !takes:
			never++
		case lies == 0:
			atOnce++
		default:
			later++
		}
		made := filepath.Join(root, "elsewhere")
		if err := os.WriteFile(made, []byte("bytes"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(made, name); err != nil {
			t.Fatal(err)
		}
	}
	if atOnce < 30 || later < 10 || never < 5 {
		t.Errorf("%d taken at once, %d later, %d never", atOnce, later, never)
	}
	private := filepath.Join(inbox, ".a.0123456789abcdef.part")
	if err := os.WriteFile(private, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		p.mu.Lock()
		n := len(p.takings)
		p.mu.Unlock()
		if n >= atOnce {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d files were taken", n, atOnce)
		}
	}
	cancel()
	running.Wait()
	if err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(private); err != nil {
		t.Error(err)
	}
	const sum = "277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9" // of "bytes"
	for _, g := range p.takings {
		if filepath.Dir(g.Name) != "in/deep" || g.Size != 5 || g.SHA256 != sum {
			t.Errorf("taken: %+v", g)
		}
	}
	if left, err := os.ReadDir(hold); err != nil || len(left) > 0 {
		t.Errorf("%d files are left where it puts them, %v", len(left), err)
	}
}
