package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// stage stands in for the test that sftptest wants. What would end a test ends the call that guard makes.
type stage struct {
	dir string

	mu       sync.Mutex
	cleanups []func()
	dirs     int
	failed   bool
}

var _ sftptest.TB = (*stage)(nil)

// gaveUp is the panic that carries an end to guard.
type gaveUp struct{ error }

// guard calls f, which may use what is on the stage, and returns why that has given up.
func guard(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			end, ok := r.(gaveUp)
			if !ok {
				panic(r)
			}
			err = end.error
		}
	}()
	f()
	return nil
}

// Helper has no meaning here.
func (s *stage) Helper() {}

// Cleanup calls f at the end, the last one first.
func (s *stage) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanups = append(s.cleanups, f)
}

// TempDir returns a fresh directory, which goes with the soak's own.
func (s *stage) TempDir() string {
	s.mu.Lock()
	s.dirs++
	name := filepath.Join(s.dir, fmt.Sprintf("server-%d", s.dirs))
	s.mu.Unlock()
	if err := os.MkdirAll(name, 0o700); err != nil {
		s.Fatal(err)
	}
	return name
}

// Failed tells whether something has given up.
func (s *stage) Failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// Logf is for what a test would tell when it fails; the error has it already.
func (s *stage) Logf(string, ...any) {}

// Fatal ends the call.
func (s *stage) Fatal(args ...any) {
	s.mu.Lock()
	s.failed = true
	s.mu.Unlock()
	panic(gaveUp{fmt.Errorf("%s", fmt.Sprint(args...))})
}

// Fatalf ends the call.
func (s *stage) Fatalf(format string, args ...any) { s.Fatal(fmt.Sprintf(format, args...)) }

// Skipf ends the call: without a server there is nothing to soak.
func (s *stage) Skipf(format string, args ...any) { s.Fatalf(format, args...) }

func (s *stage) close() {
	s.mu.Lock()
	all := s.cleanups
	s.cleanups = nil
	s.mu.Unlock()
	for _, f := range slices.Backward(all) {
		f()
	}
}
