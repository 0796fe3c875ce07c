package sftptest

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/pkg/sftp"
)

// looks stats two files several times each, all at once, and counts the sizes that come back.
func looks(c *sftp.Client) (sizes map[int64]int, failed error) {
	type answer struct {
		size int64
		err  error
	}
	answers := make(chan answer)
	const each = 4
	for _, name := range []string{"/one", "/two"} {
		for range each {
			go func() {
				var a answer
				var info os.FileInfo
				if info, a.err = c.Lstat(name); a.err == nil {
					a.size = info.Size()
				}
				answers <- a
			}()
		}
	}
	sizes = map[int64]int{}
	for range 2 * each {
		a := <-answers
		sizes[a.size]++
		if a.err != nil {
			failed = a.err
		}
	}
	return sizes, failed
}

func TestMaxInFlight(t *testing.T) {
	s, c := hostile(t, ServerOptions{}, MaxInFlight(1))
	mustPut(t, c, "/one", random(1))
	mustPut(t, c, "/two", random(2))
	for range 3 {
		if _, err := c.Lstat("/one"); err != nil {
			t.Fatalf("one request at a time: %v", err)
		}
	}
	s.Faults.Add(Fault{Op: OpLstat, Delay: 20 * time.Millisecond})
	if _, err := looks(c); err == nil {
		t.Error("several at once: no error")
	}
	if _, err := c.Lstat("/one"); err == nil {
		t.Error("the connection lives on")
	}
}

func TestMixReplies(t *testing.T) {
	s, c := hostile(t, ServerOptions{}, MixReplies())
	mustPut(t, c, "/one", random(1))
	mustPut(t, c, "/two", random(2))
	for range 3 {
		if info, err := c.Lstat("/two"); err != nil || info.Size() != 2 {
			t.Fatalf("one request at a time: %v, %v", info, err)
		}
	}
	s.Faults.Add(Fault{Op: OpLstat, Delay: 300 * time.Millisecond}.Once()) // the other has asked by then
	one := async(func() error { return sizeIs(c, "/one", 2) })
	if err := sizeIs(c, "/two", 1); err != nil {
		t.Error(err)
	}
	if err := soon(t, "the other", one); err != nil {
		t.Error(err)
	}
	s.Faults.Clear()
	if sizes, err := looks(c); err != nil || sizes[1] != 4 || sizes[2] != 4 {
		t.Errorf("afterwards: %v, %v", sizes, err)
	}
}

func sizeIs(c *sftp.Client, name string, want int64) error {
	info, err := c.Lstat(name)
	if err == nil && info.Size() != want {
		err = fmt.Errorf("%s has size %d, want the other's %d", name, info.Size(), want)
	}
	return err
}

func TestWritesInTurn(t *testing.T) {
	_, c := hostile(t, ServerOptions{}, WritesInTurn(), SlowAcks(20*time.Millisecond))
	f, err := c.Create("/a")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := f.Write(random(10)); err != nil {
			t.Errorf("one at a time: %v", err)
		}
	}
	if _, err := f.ReadFromWithConcurrency(bytes.NewReader(random(200_000)), 4); err == nil {
		t.Error("several at once: no error")
	}
	if _, err := f.WriteAt(random(10), 0); err != nil {
		t.Errorf("one at a time again: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
