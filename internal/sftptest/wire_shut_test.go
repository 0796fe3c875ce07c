package sftptest

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

// TestWireShut has connections refused by the system while it is shut, and taken again afterwards.
func TestWireShut(t *testing.T) {
	t.Parallel()
	s := StartServer(t, ServerOptions{})
	w := StartWire(t, s.Addr())
	addr := w.Addr()
	open, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close() //nolint:errcheck // nothing is written
	greeted := func(c net.Conn) {
		t.Helper()
		if _, err := c.Read(make([]byte, 8)); err != nil {
			t.Error(err)
		}
	}
	greeted(open)
	for range 2 { // a second time is no other
		if err := w.Shut(true); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("while it is shut: %v, %v", c, err)
	}
	if w.Addr() != addr {
		t.Errorf("the address is %s, and was %s", w.Addr(), addr)
	}
	greeted(open)
	if err := w.Shut(false); err != nil {
		t.Fatal(err)
	}
	again, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close() //nolint:errcheck // nothing is written
	greeted(again)
}

// TestWireClosedWhileShut ends all the same.
func TestWireClosedWhileShut(t *testing.T) {
	t.Parallel()
	w, err := NewWire("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Shut(true), w.Close(), w.Shut(false)); err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", w.Addr()); err == nil {
		t.Errorf("somebody listens: %v", c)
	}
}
